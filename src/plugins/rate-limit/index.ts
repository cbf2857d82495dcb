import { Elysia } from 'elysia'
import ipaddr from 'ipaddr.js'
import { parseAddress } from '../address.ts'
import { after, around, type Handle } from '../around.ts'
import type { Peer } from '../client-address.ts'
import { Refusal } from '../refusal.ts'
import { requestPath } from '../request-path.ts'
import type { Hit, LimitStore } from './memory.ts'

export { clientAddress, type Peer } from '../client-address.ts'
export { type AttemptStore, type Hit, type LimitStore, memoryStore } from './memory.ts'

/**
 * Limits requests per client address, counted before anything else. Every answer says where the client
 * stands in `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
 */
export function rateLimit(options: {
  store: LimitStore
  limit: number
  windowSeconds: number
  address: Peer
  skip?: (path: string) => boolean
}) {
  const { store, limit, windowSeconds, address, skip } = options
  const policy = `"address";q=${limit};w=${windowSeconds}`

  const counted = (handle: Handle, request: Request, hit: Hit) => {
    const { allowed, remaining, resetSeconds } = hit
    return after(allowed ? handle(request) : refused(resetSeconds), (response) => {
      response.headers.set('ratelimit-policy', policy)
      response.headers.set('ratelimit', `"address";r=${remaining};t=${resetSeconds}`)
      return response
    })
  }

  return new Elysia({ name: 'rate-limit', seed: crypto.randomUUID() }).wrap(
    around((request, handle) =>
      skip?.(requestPath(request))
        ? handle(request)
        : after(store.hit(limitKey(address(request))), (hit) => counted(handle, request, hit)),
    ),
  )
}

function refused(retryAfter: number): Response {
  return new Refusal(429, {
    data: { retry_after: retryAfter },
    headers: { 'retry-after': String(retryAfter) },
  }).toResponse()
}

/** One key for an IPv4 address or an IPv6 /64, the smallest block that a single site is given (RFC 6177). */
export function limitKey(address: string | null): string {
  if (address === null) return 'unknown'
  if (!address.includes(':')) return address
  const parsed = parseAddress(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : address
}
