import { Elysia } from 'elysia'
import { after } from './around.ts'
import { Refusal } from './refusal.ts'
import { finding, type RouteTable } from './route-table.ts'

export { Refusal } from './refusal.ts'
export { routeTable } from './route-table.ts'

/** For each resource its scopes from the lowest to the highest; a higher one includes those below it. */
export type Ladders = Readonly<Record<string, readonly string[]>>
export type ScopeOf<L extends Ladders> = {
  [R in keyof L & string]: `${R}:${L[R][number]}`
}[keyof L & string]

/** Every scope of the ladders, resource by resource, lowest first. */
export function scopesOf<const L extends Ladders>(ladders: L): ScopeOf<L>[] {
  return Object.entries(ladders).flatMap(([resource, ladder]) =>
    ladder.map((level) => `${resource}:${level}` as ScopeOf<L>),
  )
}

/** The scopes that grant a required one, which are itself and those above it, lowest first. None across resources. */
export function grantingScopes(ladders: Ladders, required: string): string[] {
  const [resource = '', level = ''] = required.split(':')
  const ladder = ladders[resource] ?? []
  const needed = ladder.indexOf(level)
  return needed === -1 ? [] : ladder.slice(needed).map((level) => `${resource}:${level}`)
}

/** The highest held scope of those that grant, or null. */
export const grantedBy = (granting: readonly string[], held: readonly string[]): string | null =>
  granting.findLast((scope) => held.includes(scope)) ?? null

/**
 * A route that declares `scope: 'fcs:read'` is closed to every token that lacks it, before its body is read;
 * its handler has the typed `principal` and `granted_by`; the OpenAPI document says so.
 * A route that declares `token: (request) => [...]` takes any token that holds all of these scopes, which may be none.
 * `authenticate` finds the principal, or throws or returns a `Refusal` of its own, or lets `check` throw this plugin's.
 */
export function scopes<const L extends Ladders, P extends { scopes: readonly string[] }>(options: {
  ladders: L
  routes: RouteTable
  realm: string
  authenticate: (
    request: Request,
    check: (held: readonly string[]) => void,
  ) => P | Refusal | Promise<P | Refusal>
}) {
  const { ladders, routes, realm, authenticate } = options
  type Named = (request: Request) => readonly ScopeOf<L>[]

  const demand = (required: string) => demandScope({ ladders, realm }, required)
  /** `demanded` throws when the scopes held do not suffice, and says by which the request is granted. */
  const admission = (demanded: (request: Request, held: readonly string[]) => string) => {
    const { guard, found } = finding((request) => {
      let grantedBy = ''
      const principal = authenticate(request, (held) => {
        grantedBy = demanded(request, held)
      })
      return after(principal, (principal) =>
        principal instanceof Refusal ? principal : { principal, grantedBy },
      )
    })
    const admitted = (request: Request) => {
      const access = found(request)
      if (!access) throw new Refusal(401)
      return access
    }
    return { guard, admitted }
  }
  const security = [{ personalAccessToken: [] }]

  return new Elysia({ name: 'scopes', seed: crypto.randomUUID() }).use(routes.guarded).macro({
    scope: (scope: ScopeOf<L>) => {
      const demanded = demand(scope)
      const { guard, admitted } = admission((_, held) => demanded(held))
      return {
        detail: { security, 'x-required-scope': scope, ...guard },
        resolve: ({ request }: { request: Request }) => {
          const { principal, grantedBy } = admitted(request)
          return { principal, grant: { requiredScope: scope, grantedBy } }
        },
      }
    },
    token: (scopesOf: Named) => {
      const { guard, admitted } = admission((request, held) => {
        for (const scope of scopesOf(request)) demand(scope)(held)
        return ''
      })
      return {
        detail: { security, ...guard },
        resolve: ({ request }: { request: Request }) => ({
          principal: admitted(request).principal,
        }),
      }
    },
  })
}

/** Gives the highest held scope that grants the required one, or throws a 403. */
export function demandScope(
  { ladders, realm }: { ladders: Ladders; realm: string },
  required: string,
) {
  const granting = grantingScopes(ladders, required)
  return (held: readonly string[]): string => {
    const scope = grantedBy(granting, held)
    if (scope === null) throw insufficientScope(realm, required, held)
    return scope
  }
}

/** A 403 that names the scope to ask for: the lowest that would do, which grants nothing beside. */
export function insufficientScope(
  realm: string,
  required: string,
  held: readonly string[],
): Refusal {
  const refusal = new Refusal(403, {
    data: { required_scope: required, your_scopes: held, smallest_scope: required },
    headers: {
      'www-authenticate': `Bearer realm="${realm}", error="insufficient_scope", scope="${required}"`,
    },
  })
  // For the log: the answer has no message.
  refusal.message = 'Insufficient scope'
  return refusal
}
