import { type ScopeOf, scopesOf } from './plugins/scopes.ts'

/** What a token may do, from the lowest to the highest, for each resource. */
export const LADDERS = {
  workspaces: ['read', 'write', 'delete', 'admin'],
  users: ['read', 'write'],
  fcs: ['read', 'write', 'analyze'],
} as const

export const SCOPES = scopesOf(LADDERS)
export type Scope = ScopeOf<typeof LADDERS>
