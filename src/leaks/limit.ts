import { Elysia } from 'elysia'
import { type Limits, perMinute } from '../limits.ts'
import { before } from '../plugins/around.ts'
import type { Peer } from '../plugins/client-address.ts'
import { limiter, limitKey } from '../plugins/rate-limit/index.ts'
import { requestPath } from '../plugins/request-path.ts'
import { REVOKE_LEAKED } from './format.ts'

/** Reports a minute from one address, beside its general limit. */
const REPORTS_PER_MINUTE = 10

/** Anybody may report leaks, and a report costs more than most requests: each address has few. */
export function reportLimit(limits: Limits, address: Peer) {
  const count = limiter(perMinute(limits, 'reports', REPORTS_PER_MINUTE))
  return new Elysia({ name: 'report-limit' }).wrap(
    before((request) => {
      if (requestPath(request) === REVOKE_LEAKED) return count(request, limitKey(address(request)))
    }),
  )
}
