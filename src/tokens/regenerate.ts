import type { Sql } from 'postgres'
import { refuse } from '../errors.ts'
import type { IssuedToken } from '../plugins/pat/index.ts'
import { newSecret, secretHash, tokenPrefix } from '../plugins/pat/secret.ts'

type Current = Omit<IssuedToken, 'token' | 'token_prefix'> & { revoked: boolean; expired: boolean }

/**
 * A new string for the same token. Every older string ends after `graceSeconds`, never later than it would have.
 * Without `days` the expiry stays. The row lock makes regenerations of one token follow each other, so that
 * exactly one string is current, however many are asked for at once.
 */
export function regenerate(
  sql: Sql,
  owner: string,
  id: string,
  { days, graceSeconds }: { days: number | undefined; graceSeconds: number },
): Promise<IssuedToken> {
  const token = newSecret()
  return sql.begin(async (sql) => {
    const [locked] = await sql`
      select 1 from tokens where id = ${id} and user_id = ${owner} for update`
    if (!locked) throw refuse('not_found')
    // Read after the lock, in a statement of its own: the lock's own snapshot may be from before the wait.
    const [current] = await sql<Current[]>`
      select t.id, t.name, t.scopes, t.allowed_ips, t.rate_limit_per_minute, t.created_at, s.expires_at,
        t.revoked_at is not null as revoked, s.expires_at <= clock_timestamp() as expired
      from tokens t join token_secrets s on s.token_id = t.id and s.superseded_at is null
      where t.id = ${id}`
    if (!current) throw new Error('a token has no current secret')
    const { revoked, expired, name, scopes, allowed_ips, rate_limit_per_minute, created_at } =
      current
    if (revoked) throw refuse('conflict', 'Token revoked')
    if (expired && days === undefined) {
      throw refuse('conflict', 'Token expired: expires_in_days is needed')
    }
    // Without a grace not the time that it is, for a clock that is set back would be before it. A grace is cut down to the
    // millisecond that the column holds: rounding up would let the old string live on.
    const ends =
      graceSeconds === 0
        ? sql`timestamptz 'epoch'`
        : sql`date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => ${graceSeconds})`
    await sql`
      update token_secrets set superseded_at = least(superseded_at, expires_at, ${ends})
      where token_id = ${id} and (superseded_at is null or superseded_at > ${ends})`
    const [secret] = await sql<{ token_prefix: string; expires_at: Date }[]>`
      insert into token_secrets (hash, token_id, prefix, expires_at)
      values (${secretHash(token)}, ${id}, ${tokenPrefix(token)},
        ${days === undefined ? sql`${current.expires_at}` : sql`now() + ${days} * interval '24 hours'`})
      returning prefix as token_prefix, expires_at`
    if (!secret) throw new Error('a secret was inserted but not returned')
    const { token_prefix, expires_at } = secret
    const kept = { scopes, allowed_ips, rate_limit_per_minute, created_at }
    return { id, name, token, token_prefix, ...kept, expires_at }
  })
}
