import { limiter, memoryStore } from '../plugins/rate-limit/index.ts'

const windowSeconds = 60

/** So many requests a minute for each token, 0 for any number. A token's own limit may be lower, never higher. */
export function tokenLimit({ perMinute }: { perMinute: number }) {
  const most = perMinute || Number.POSITIVE_INFINITY
  const store = memoryStore({ limit: most, windowSeconds, now: () => performance.now() })
  const count = limiter({ name: 'token', store, limit: most, windowSeconds })
  return (request: Request, token: { tokenId: string; perMinute: number | null }) => {
    const limit = Math.min(most, token.perMinute ?? most)
    return limit === Number.POSITIVE_INFINITY ? undefined : count(request, token.tokenId, limit)
  }
}
