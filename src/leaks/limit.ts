import { type Limits, perMinute } from '../limits.ts'
import type { Guard } from '../plugins/around.ts'
import type { Peer } from '../plugins/client-address.ts'
import { limiter, limitKey } from '../plugins/rate-limit/index.ts'

/** Reports a minute from one address, beside its general limit. */
const REPORTS_PER_MINUTE = 10

/** Anybody may report leaks, and a report costs more than most requests: each address has few. */
export function reportLimit(limits: Limits, address: Peer): Guard {
  const count = limiter(perMinute(limits, 'reports', REPORTS_PER_MINUTE))
  return (request) => count(request, limitKey(address(request)))
}
