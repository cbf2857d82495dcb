import { perMinute } from '../per-minute.ts'
import type { Peer } from '../plugins/client-address.ts'
import { limiter, limitKey } from '../plugins/rate-limit/index.ts'
import type { Guard } from '../plugins/route-table.ts'

/** Reports a minute from one address, beside its general limit. */
const REPORTS_PER_MINUTE = 10

/** Anybody may report leaks, and a report costs more than most requests: each address has few. */
export function reportLimit(address: Peer): Guard {
  const count = limiter({ name: 'reports', ...perMinute(REPORTS_PER_MINUTE) })
  return (request) => count(request, limitKey(address(request)))
}
