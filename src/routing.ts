import { Elysia } from 'elysia'
import { refuse } from './errors.ts'
import { around } from './plugins/around.ts'
import { requestPath } from './plugins/request-path.ts'
import type { RouteTable } from './plugins/route-table.ts'
import { PROBLEMS_PATH } from './problems/types.ts'

/** What anybody may call. Every other route says itself who may. */
export const OPEN_PATHS = [
  '/',
  '/health',
  '/ready',
  '/docs',
  '/docs/assets/:name',
  PROBLEMS_PATH,
  '/openapi.json',
  '/api/v1/auth/register',
  '/api/v1/auth/login',
  '/api/v1/credentials/revoke',
  '/oauth/revoke',
  '/.well-known/pat-format.json',
]

const openPaths = new Set(OPEN_PATHS)

/**
 * Answers for paths and methods that no route has, and keeps closed every route that neither declares
 * who may call it nor is on the list of open paths.
 */
export function routing(routes: RouteTable) {
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
