import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { refuse } from '../errors.ts'
import type { ScopeGuard } from '../guard.ts'
import { isTextWithin, parseBlocks } from '../plugins/address.ts'
import type { Peer } from '../plugins/client-address.ts'
import { type Standing, standingsOf } from '../plugins/rate-limit/index.ts'
import { grantedBy, grantingScopes } from '../plugins/scopes.ts'
import { documented, success } from '../schema.ts'
import { LADDERS, SCOPES, type Scope } from '../scopes.ts'
import { expiryWarning } from './expiry.ts'

const scopes = z.array(z.enum(SCOPES))
const Limit = z.object({
  policy: z.string().describe('As the RateLimit fields name it'),
  limit: z.int().describe('Requests in a window'),
  remaining: z.int(),
  reset_seconds: z.int().describe('Until the oldest request that counts is forgotten'),
  window_seconds: z.int(),
})
const Self = z.object({
  id: z.uuid(),
  name: z.string(),
  scopes,
  created_at: z.date(),
  expires_at: z.date().describe('When the string that was presented ends'),
  warning: z.string().nullable().describe('For the last 14 days'),
  ip: z.string().nullable().describe('Where this call came from, as the service sees it'),
  allowed_by: z
    .string()
    .nullable()
    .describe('The address or block of the list that allows it; null when there is no list'),
  limits: z
    .array(Limit)
    .describe('The limits that have counted this call; none where there are none'),
})
const Can = z.object({
  scope: z.enum(SCOPES),
  can: z.boolean(),
  granted_by: z.enum(SCOPES).nullable().describe('The highest scope held that grants it'),
  your_scopes: scopes,
  granting_scopes: scopes.describe('Those that would grant it, the smallest first'),
  explanation: z.string(),
})
const Question = documented(z.object({ scope: z.enum(SCOPES, 'one of the nine scopes') }))
const TAG = 'Own token'

/** What a token can find out about itself, whatever its scopes. */
export function selfRoutes({
  sql,
  guard,
  address,
}: {
  sql: Sql
  guard: ScopeGuard
  address: Peer
}) {
  return new Elysia({ prefix: '/api/v1/tokens/self' })
    .use(guard)
    .get(
      '',
      async ({ request, principal: { tokenId, scopes, expiresAt } }) => {
        const [token] = await sql<Row[]>`
          select name, created_at, allowed_ips::cidr[]::text[] as allowed_ips
          from tokens where id = ${tokenId}`
        if (!token) throw refuse('not_found')
        const { name, created_at, allowed_ips } = token
        const ip = address(request)
        return success({
          id: tokenId,
          name,
          scopes,
          created_at,
          expires_at: expiresAt,
          warning: expiryWarning(expiresAt),
          ip,
          allowed_by: matching(allowed_ips, ip),
          limits: standingsOf(request).map(asLimit),
        })
      },
      {
        token: anyScopes,
        detail: operation(TAG, 'Show the token that calls', { answer: [200, Self] }),
      },
    )
    .get('/can', ({ principal: { scopes }, query: { scope } }) => success(explain(scope, scopes)), {
      token: anyScopes,
      query: Question,
      detail: operation(TAG, 'Whether the token that calls may do what a scope allows, and why', {
        answer: [200, Can],
      }),
    })
}

type Row = { name: string; created_at: Date; allowed_ips: string[] | null }

const anyScopes = () => []

const asLimit = ({ name, limit, windowSeconds, hit }: Standing) => ({
  policy: name,
  limit,
  remaining: hit.remaining,
  reset_seconds: hit.resetSeconds,
  window_seconds: windowSeconds,
})

function matching(list: readonly string[] | null, ip: string | null): string | null {
  return list?.find((block) => isTextWithin(ip, parseBlocks([block]))) ?? null
}

function explain(scope: Scope, held: readonly string[]) {
  const granting_scopes = grantingScopes(LADDERS, scope)
  const granted_by = grantedBy(granting_scopes, held)
  const answer = { scope, can: granted_by !== null, granted_by, your_scopes: held, granting_scopes }
  if (granted_by === scope) return { ...answer, explanation: `The token holds ${scope}` }
  if (granted_by) {
    return { ...answer, explanation: `The token holds ${granted_by}, which includes ${scope}` }
  }
  return {
    ...answer,
    explanation: `The token holds none of ${granting_scopes.join(', ')}: ask for ${granting_scopes[0]}`,
  }
}
