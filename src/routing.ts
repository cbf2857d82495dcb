import { Elysia } from 'elysia'
import { refuse } from './errors.ts'
import { requestPath } from './plugins/request-path.ts'
import type { RouteTable } from './plugins/route-table.ts'

/**
 * Answers for paths and methods that no route has, and keeps closed every route that neither declares
 * who may call it nor is on the list of open paths.
 */
export function routing({ routes, open }: { routes: RouteTable; open: readonly string[] }) {
  const openPaths = new Set(open)
  return new Elysia({ name: 'routing' }).onRequest(({ request }) => {
    const route = routes.match(request)
    if (route && ('security' in route.detail || openPaths.has(route.path))) return
    const path = requestPath(request)
    const allowed = route ? [] : routes.allowed(path)
    if (allowed.length === 0) throw refuse('not_found')
    const headers = { allow: allowed.join(', ') }
    if (request.method !== 'OPTIONS') throw refuse('method_not_allowed', undefined, { headers })
    return new Response(null, { status: 204, headers })
  })
}
