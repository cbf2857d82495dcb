import { kept } from '../kept.ts'
import type { Pat } from '../plugins/pat/index.ts'

const DAY_MS = 86_400_000
const WARN_DAYS = 14

/** What the holder of a token that ends soon should know; null when there are 14 days or more. */
export function expiryWarning(expiresAt: Date, now = Date.now()): string | null {
  const left = expiresAt.getTime() - now
  if (left >= WARN_DAYS * DAY_MS) return null
  const days = Math.floor(left / DAY_MS)
  if (days < 1) return 'The token ends within a day'
  return `The token ends in ${days} ${days === 1 ? 'day' : 'days'}`
}

// All uses of a token have one and the same.
const printed = kept<string>()

/** Says on an answer to an accepted token when it ends, and warns for the last 14 days. */
export const expiryHeaders = (pat: Pat) => (request: Request, headers: Headers) => {
  const expiresAt = pat.expiry(request)
  if (expiresAt === undefined) return
  headers.set(
    'token-expires-at',
    printed(expiresAt, () => expiresAt.toISOString()),
  )
  const warning = expiryWarning(expiresAt)
  if (warning !== null) headers.set('token-warning', warning)
}
