import { noted } from '../noted.ts'
import type { Hit } from './memory.ts'

/** Where a request's key stands in a policy: `hit.remaining` of `limit` in a window. */
export type Standing = { name: string; limit: number; windowSeconds: number; hit: Hit }

const standings = noted<Standing[]>()

export function noteStanding(request: Request, standing: Standing): void {
  const earlier = standings.get(request)
  if (earlier) earlier.push(standing)
  else standings.set(request, [standing])
}

/** The policies that have counted a request, in the order in which they did. */
export const standingsOf = (request: Request): readonly Standing[] => standings.get(request) ?? []

/**
 * Says on an answer where the client stands in every policy that counted its request: two lists of items with
 * parameters (RFC 9651), as draft-ietf-httpapi-ratelimit-headers has them.
 */
export function sayStandings(request: Request, response: Response): Response {
  const counted = standings.get(request)
  if (!counted) return response
  const policies = counted.map(
    ({ name, limit, windowSeconds }) => `"${name}";q=${limit};w=${windowSeconds}`,
  )
  const left = counted.map(({ name, hit }) => `"${name}";r=${hit.remaining};t=${hit.resetSeconds}`)
  response.headers.set('ratelimit-policy', policies.join(', '))
  response.headers.set('ratelimit', left.join(', '))
  return response
}
