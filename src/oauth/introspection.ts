import type { Sql } from 'postgres'
import type { Pat } from '../plugins/pat/index.ts'
import { secretHash } from '../plugins/pat/secret.ts'
import type { Caller } from './callers.ts'

export const INACTIVE = { active: false }

type Details = { username: string; issued_at: Date; allowed_ips: string[] | null }

/**
 * What RFC 7662 §2.2 says of a token, or that it is not active: unknown, malformed, revoked, replaced, expired, or of
 * an inactive owner. Nothing is vouched for that the caller could not check: a token with a list of addresses is active
 * only for those who may see the list, its owner and the configured client.
 */
export async function introspect(
  { sql, pat }: { sql: Sql; pat: Pat },
  token: string,
  caller: Caller,
) {
  const principal = await pat.inspect(token)
  if (principal === null) return INACTIVE
  const { tokenId, userId, scopes, expiresAt } = principal
  const [details] = await sql<Details[]>`
    select u.username, s.issued_at, t.allowed_ips
    from token_secrets s join tokens t on t.id = s.token_id join users u on u.id = t.user_id
    where s.hash = ${secretHash(token)}`
  if (!details) return INACTIVE
  const { username, issued_at, allowed_ips } = details
  const maySeeList = caller.userId === null || caller.userId === userId
  if (allowed_ips && !maySeeList) return INACTIVE
  return {
    active: true,
    scope: scopes.join(' '),
    username,
    token_type: 'Bearer',
    exp: seconds(expiresAt),
    iat: seconds(issued_at),
    sub: userId,
    jti: tokenId,
    ...(allowed_ips && { allowed_ips }),
  }
}

const seconds = (at: Date) => Math.floor(at.getTime() / 1000)
