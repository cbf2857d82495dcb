import type { Sql } from 'postgres'
import { newSecret, secretHash, tokenPrefix } from './secret.ts'

export type NewToken = {
  userId: string
  name: string
  scopes: readonly string[]
  /** From now. */
  expiresInDays: number
  /** Addresses or CIDR blocks; null allows every address. */
  allowedIps: readonly string[] | null
  /** A limit of its own, below that of all. */
  perMinute?: number | null
}

export type IssuedToken = {
  id: string
  name: string
  /** The whole token, which exists only here: the database keeps its hash. */
  token: string
  token_prefix: string
  scopes: string[]
  allowed_ips: string[] | null
  rate_limit_per_minute: number | null
  created_at: Date
  expires_at: Date
}

export async function issue(sql: Sql, token: NewToken): Promise<IssuedToken> {
  const secret = newSecret()
  // 24 hours, not a day: a day of the calendar is longer or shorter where the database's clocks change.
  const [issued] = await sql<Omit<IssuedToken, 'token'>[]>`
    with token as (
      insert into tokens (user_id, name, scopes, allowed_ips, rate_limit_per_minute)
      values (${token.userId}, ${token.name}, ${[...token.scopes]}, ${token.allowedIps && [...token.allowedIps]},
        ${token.perMinute ?? null})
      returning id, name, scopes, allowed_ips, rate_limit_per_minute, created_at
    ), secret as (
      insert into token_secrets (hash, token_id, prefix, expires_at)
      select ${secretHash(secret)}, id, ${tokenPrefix(secret)},
        created_at + ${token.expiresInDays} * interval '24 hours'
      from token
      returning prefix, expires_at
    )
    select id, name, prefix as token_prefix, scopes, allowed_ips, rate_limit_per_minute, created_at,
      expires_at
    from token, secret`
  if (!issued) throw new Error('a token was inserted but not returned')
  const { id, name, ...rest } = issued
  return { id, name, token: secret, ...rest }
}
