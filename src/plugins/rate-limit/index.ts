import { Elysia } from 'elysia'
import ipaddr from 'ipaddr.js'
import { parseAddress } from '../address.ts'
import { after, around, before } from '../around.ts'
import type { Peer } from '../client-address.ts'
import { requestPath } from '../request-path.ts'
import { sayStandings } from './fields.ts'
import { limiter, type Policy } from './limiter.ts'

export { clientAddress, type Peer } from '../client-address.ts'
export { fallbackStore } from './fallback.ts'
export { noteStanding, type Standing, standingsOf } from './fields.ts'
export { limiter, type Policy, tooMany } from './limiter.ts'
export { type Connection, createLink } from './link.ts'
export { type AttemptStore, type Hit, type LimitStore, memoryStore } from './memory.ts'
export { redisStore, type Send } from './redis.ts'

/**
 * Limits requests per client address, counted before anything else. Every answer says where the client stands in
 * `RateLimit-Policy` and `RateLimit`, in this policy and in those of every `limiter` that counted the request.
 */
export function rateLimit(
  options: Omit<Policy, 'name'> & {
    name?: string
    address: Peer
    skip?: (path: string) => boolean
  },
) {
  const { name = 'address', address, skip } = options
  const count = limiter({ ...options, name })
  const counted = before((request) =>
    skip?.(requestPath(request)) ? undefined : count(request, limitKey(address(request))),
  )
  const said = around((request, handle) =>
    after(handle(request), (response) => sayStandings(request, response)),
  )
  return new Elysia({ name: 'rate-limit', seed: crypto.randomUUID() }).wrap((fetch) =>
    said(counted(fetch)),
  )
}

/** One key for an IPv4 address or an IPv6 /64, the smallest block that a single site is given (RFC 6177). */
export function limitKey(address: string | null): string {
  if (address === null) return 'unknown'
  if (!address.includes(':')) return address
  const parsed = parseAddress(address)
  return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : address
}
