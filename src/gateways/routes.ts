import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { refuse, refuseField } from '../errors.ts'
import type { ScopeGuard } from '../guard.ts'
import { queryOf } from '../plain-query.ts'
import type { Principal } from '../plugins/pat/index.ts'
import { requestPath } from '../plugins/request-path.ts'
import { success } from '../schema.ts'
import { SCOPES, type Scope } from '../scopes.ts'
import { REQUIRED_SCOPE } from './astray.ts'
import { type Original, VERIFY } from './original.ts'

const Verified = z.object({
  user: z.object({ id: z.uuid(), username: z.string() }),
  token_id: z.uuid(),
  scopes: z.array(z.enum(SCOPES)),
  expires_at: z.date(),
})

/** What may stand in the query. */
const QUERY = [
  {
    name: 'scope',
    in: 'query' as const,
    description: 'What the token has to hold, all of it',
    style: 'form' as const,
    explode: false,
    schema: { type: 'array' as const, items: { type: 'string' as const, enum: [...SCOPES] } },
  },
  {
    name: 'method',
    in: 'query' as const,
    description: 'With which method the client came, for the log of the token',
    schema: { type: 'string' as const },
  },
]
const QUERY_NAMES: readonly string[] = QUERY.map(({ name }) => name)

/** Envoy asks with the method of its client. HEAD stands with GET. */
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

/**
 * Checks a token for a gateway that stands in front of another service: nginx `auth_request`, Traefik and Caddy forward
 * auth, Envoy `ext_authz`. It is a use of the token, with its row in the log.
 */
export function gatewayRoutes({
  sql,
  guard,
  original,
}: {
  sql: Sql
  guard: ScopeGuard
  original: Original
}) {
  const named = (request: Request): Scope[] => {
    if (original.contradicts(request)) {
      throw refuse('bad_request', 'The gateway names two methods or two URIs')
    }
    return namedScopes(request)
  }
  const verify = async ({ principal }: { principal: Principal }): Promise<Response> => {
    const { tokenId, userId, scopes, expiresAt } = principal
    const [user] = await sql<{ username: string }[]>`
      select username from users where id = ${userId}`
    if (!user) throw refuse('not_found')
    const { username } = user
    const verified = { user: { id: userId, username }, token_id: tokenId, scopes }
    return Response.json(success({ ...verified, expires_at: expiresAt }), {
      headers: {
        // A name may be in any script, and a header in ASCII alone.
        'x-auth-user': encodeURIComponent(username),
        'x-auth-user-id': userId,
        'x-auth-token-id': tokenId,
        'x-auth-scopes': scopes.join(' '),
      },
    })
  }
  const detail = {
    ...operation('Gateways', 'Check a token for a gateway', {
      description:
        'The scopes that are needed, none or several, in the query `scope` or the header `X-Required-Scope`. `X-Auth-User`, `X-Auth-User-Id`, `X-Auth-Token-Id` and `X-Auth-Scopes` of the answer say who calls.',
      answer: [200, Verified],
      refusals: { 422: 'An unknown scope, or a query of another name' },
    }),
    parameters: QUERY,
  }
  const routes = new Elysia().use(guard).get(VERIFY, verify, { token: named, detail })
  for (const method of METHODS) {
    routes.route(method, `${VERIFY}/*`, verify, {
      token: named,
      parse: 'none',
      detail: { hide: true },
    })
  }
  return routes
}

/**
 * Every scope that the query or the header names has to be held. So a client whose gateway passes its headers on can
 * ask for more than the gateway does, and never for less. Behind our path the query is the client's, and is not read;
 * there the header has to be given, for by it a question is known that has gone astray.
 */
function namedScopes(request: Request): Scope[] {
  const header = request.headers.get(REQUIRED_SCOPE)
  const isExact = requestPath(request) === VERIFY
  if (!isExact && header === null) throw refuse('bad_request', 'X-Required-Scope is needed')
  const query = isExact ? queryOf(request) : new URLSearchParams()
  // A misspelt `scope` would ask for none, and be a yes to any token.
  if ([...query.keys()].some((name) => !QUERY_NAMES.includes(name))) {
    throw refuseField('query', `nothing but ${QUERY_NAMES.join(' and ')}`)
  }
  const given = [...query.getAll('scope'), header ?? '']
  const names = given.flatMap((list) => list.split(/[ ,]+/)).filter((name) => name !== '')
  return names.map((name) => {
    const scope = SCOPES.find((known) => known === name)
    if (!scope) throw refuseField('scope', 'one of the nine scopes')
    return scope
  })
}
