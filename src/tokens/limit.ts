import { type Limits, perMinute } from '../limits.ts'
import { limiter } from '../plugins/rate-limit/index.ts'

/** So many requests a minute for each token, 0 for any number. A token's own limit may be lower, never higher. */
export function tokenLimit(limits: Limits, limitOfAll: number) {
  const most = limitOfAll || Number.POSITIVE_INFINITY
  const count = limiter(perMinute(limits, 'token', most))
  return (request: Request, token: { tokenId: string; perMinute: number | null }) => {
    const limit = Math.min(most, token.perMinute ?? most)
    return limit === Number.POSITIVE_INFINITY ? undefined : count(request, token.tokenId, limit)
  }
}
