import { after } from '../around.ts'
import { Refusal } from '../refusal.ts'
import { noteStanding } from './fields.ts'
import type { Hit, LimitStore } from './memory.ts'

/** `name` is what the answer's fields call it: letters, digits, `-` and `_`. */
export type Policy = { name: string; store: LimitStore; limit: number; windowSeconds: number }

/**
 * Counts a request for a key, and throws a 429 when the key has had its share. `most` is a limit of the key's own.
 * What it finds is noted for the answer's `RateLimit` fields.
 */
export function limiter({ name, store, limit, windowSeconds }: Policy) {
  return (request: Request, key: string, most = limit): undefined | Promise<undefined> => {
    const judge = (hit: Hit): undefined => {
      noteStanding(request, { name, limit: most, windowSeconds, hit })
      if (!hit.allowed) throw tooMany(hit.resetSeconds)
    }
    return after(store.hit(key, most), judge)
  }
}

/** The refusal of who has had enough for now. `retryAfter` is in seconds. */
export function tooMany(retryAfter: number, message?: string): Refusal {
  return new Refusal(429, {
    ...(message && { message }),
    data: { retry_after: retryAfter },
    headers: { 'retry-after': String(retryAfter) },
  })
}
