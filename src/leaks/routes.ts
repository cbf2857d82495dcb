import { setTimeout as delay } from 'node:timers/promises'
import { Elysia, status } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { jsonBody } from '../json-body.ts'
import type { Log } from '../log.ts'
import type { Peer } from '../plugins/client-address.ts'
import type { Pat } from '../plugins/pat/index.ts'
import { GUARD, type RouteTable } from '../plugins/route-table.ts'
import { requestId } from '../request-headers.ts'
import { body, documented, success } from '../schema.ts'
import { revokePresented } from '../tokens/revoke-presented.ts'
import { FORMAT, REVOKE_LEAKED } from './format.ts'
import { reportLimit } from './limit.ts'

/** A report is never answered sooner, so that the time it takes does not tell what was in it. */
const LEAST_MS = 250

const Report = documented(
  body({
    credentials: z
      .array(z.string('text').max(1000, 'at most 1000 characters'), 'a list of strings')
      .min(1, 'at least one')
      .max(1000, 'at most 1000'),
  }),
)
const RECEIVED = success({ message: 'Whichever of these were tokens of ours are revoked' })
const TAG = 'Leaks'

/** Where whoever finds tokens of ours can read how they look, and have them revoked, without an account. */
export function leakRoutes({
  sql,
  routes,
  pat,
  address,
  log,
}: {
  sql: Sql
  routes: RouteTable
  pat: Pat
  address: Peer
  log: Log
}) {
  return new Elysia()
    .use(routes.guarded)
    .get(
      '/.well-known/pat-format.json',
      ({ set }) => {
        set.headers['cache-control'] = 'public, max-age=3600'
        return FORMAT
      },
      {
        detail: operation(TAG, 'How a token looks, for secret scanners', {
          answer: [200, { 'application/json': { schema: { type: 'object' } } }],
        }),
      },
    )
    .post(
      REVOKE_LEAKED,
      async ({ request, body: { credentials } }) => {
        const least = delay(LEAST_MS)
        const revoked = await revokePresented(sql, credentials, {
          ip: address(request),
          method: request.method,
          endpoint: REVOKE_LEAKED,
          status_code: 202,
          authorized: false,
          reason: 'leaked',
        })
        if (revoked > 0)
          log.warn('leaked tokens revoked', { requestId: requestId(request), revoked })
        await Promise.all([pat.settled(), least])
        return status(202, RECEIVED)
      },
      {
        parse: jsonBody,
        body: Report,
        detail: {
          ...operation(TAG, 'Report leaked tokens, which are revoked', {
            description:
              'Up to 1000 strings, from anybody. The answer is the same whatever they are. The owner sees `leaked` in the log of the token.',
            answer: [202, z.object({ message: z.string() })],
          }),
          [GUARD]: reportLimit(address),
        },
      },
    )
}
