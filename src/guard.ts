import { NAME } from './name.ts'
import type { Pat, Principal } from './plugins/pat/index.ts'
import type { RouteTable } from './plugins/route-table.ts'
import { scopes } from './plugins/scopes.ts'
import { LADDERS } from './scopes.ts'

/** The scope check of this program: its ladders, over its tokens. */
export const scopeGuard = ({ routes, pat }: { routes: RouteTable; pat: Pat }) =>
  scopes({ ladders: LADDERS, routes, realm: NAME, authenticate: pat.admit })

export type ScopeGuard = ReturnType<typeof scopeGuard>

/** The five keys that an answer about workspaces and users begins with. */
export function echo(
  request: Request,
  path: string,
  principal: Principal,
  grant: { requiredScope: string; grantedBy: string },
) {
  return {
    endpoint: path,
    method: request.method,
    required_scope: grant.requiredScope,
    granted_by: grant.grantedBy,
    your_scopes: principal.scopes,
  }
}
