import { Elysia } from 'elysia'
import { refuse } from './errors.ts'
import { around } from './plugins/around.ts'
import { requestPath } from './plugins/request-path.ts'
import type { RouteTable } from './plugins/route-table.ts'

/**
 * Answers for paths and methods that no route has, and keeps closed every route that neither declares
 * who may call it nor is on the list of open paths.
 */
export function routing({ routes, open }: { routes: RouteTable; open: readonly string[] }) {
  const openPaths = new Set(open)
  return new Elysia({ name: 'routing' }).wrap(
    around((request, handle) => {
      const route = routes.match(request)
      if (route && ('security' in route.detail || openPaths.has(route.path))) return handle(request)
      const allowed = route ? [] : routes.allowed(requestPath(request))
      if (allowed.length === 0) return refuse('not_found').toResponse()
      const headers = { allow: allowed.join(', ') }
      if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers })
      return refuse('method_not_allowed', undefined, { headers }).toResponse()
    }),
  )
}
