import { Elysia } from 'elysia'
import ipaddr from 'ipaddr.js'
import { parseAddress } from '../address.ts'
import type { Peer } from '../client-address.ts'
import { Refusal } from '../refusal.ts'
import { requestPath } from '../request-path.ts'
import type { LimitStore } from './memory.ts'

export { clientAddress, type Peer } from '../client-address.ts'
export { type Hit, type LimitStore, memoryStore } from './memory.ts'

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

  return new Elysia({ name: 'rate-limit', seed: crypto.randomUUID() }).onRequest(
    async ({ request, set }) => {
      if (skip?.(requestPath(request))) return
      const { allowed, remaining, resetSeconds } = await store.hit(limitKey(address(request)))
      set.headers['ratelimit-policy'] = policy
      set.headers.ratelimit = `"address";r=${remaining};t=${resetSeconds}`
      if (allowed) return
      throw new Refusal(429, {
        data: { retry_after: resetSeconds },
        headers: { 'retry-after': String(resetSeconds) },
      })
    },
  )
}

/** One key for an IPv4 address or an IPv6 /64, the smallest block that a single site is given (RFC 6177). */
function limitKey(address: string | null): string {
  if (address === null) return 'unknown'
  if (!address.includes(':')) return address
  const parsed = parseAddress(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : address
}
