import { Buffer } from 'node:buffer'
import type { Sql, TransactionSql } from 'postgres'
import { type AuditRow, writeRows } from '../plugins/audit/writer.ts'
import type { Pat } from '../plugins/pat/index.ts'
import { isWellFormed, secretHash } from '../plugins/pat/secret.ts'

/**
 * Ends what these strings are good for, and leaves `use` in the log of each token concerned, which is then the row of
 * `request` for it, wherever else it presents the token. Resolves to how many tokens there were.
 * The current string of a token revokes it. One that was replaced and has its grace ends by itself: who holds the old
 * string has no say over the new one. One that is over ends for good, but leaves no row, since it is over by a clock: an
 * expired token keeps all but its string, in whose place is one that nobody has.
 * It holds everywhere once `pat.settled()` has resolved.
 */
export async function revokePresented(
  { sql, pat }: { sql: Sql; pat: Pat },
  request: Request,
  strings: readonly string[],
  use: Omit<AuditRow, 'token_id' | 'at' | 'method'>,
): Promise<number> {
  const hashes = strings
    .filter(isWellFormed)
    .map((token) => Buffer.from(secretHash(token)).toString('hex'))
  const row = { ...use, method: request.method, at: Date.now() }
  const ended = await sql.begin(async (sql) => {
    const ended = await end(sql, hashes)
    if (ended.length > 0) {
      await writeRows(
        sql,
        ended.map(({ token_id }) => ({ token_id, ...row })),
      )
    }
    return ended
  })
  if (ended.length === 0) return 0
  const carried = await pat.use(request)
  if (ended.some(({ token_id }) => token_id === carried?.tokenId)) pat.recorded(request)
  return ended.length
}

async function end(sql: TransactionSql, hashes: string[]) {
  const presented = sql`
    hash in (select decode(hex, 'hex') from unnest(${hashes}::text[]) as given (hex))`
  // In one order, so that nobody waits in a circle; and read after the lock, for a regeneration may come before it.
  await sql`
    select from tokens where id in (select token_id from token_secrets where ${presented})
    order by id for update`
  return sql<{ token_id: string }[]>`
    with presented as (
      select hash, token_id, prefix, issued_at, expires_at,
        superseded_at is null as current,
        least(expires_at, superseded_at) > clock_timestamp() as live
      from token_secrets join tokens on tokens.id = token_id
      where ${presented} and revoked_at is null and superseded_at is distinct from 'epoch'
    ), revoked as (
      update tokens set revoked_at = now() from presented
      where tokens.id = presented.token_id and current and live
    ), ended as (
      -- At no instant: no clock that is set back is ever before it.
      update token_secrets set superseded_at = 'epoch' from presented
      where token_secrets.hash = presented.hash and not (current and live)
      returning token_secrets.hash
    ), stand_in as (
      insert into token_secrets (hash, token_id, prefix, issued_at, expires_at)
      select sha256(gen_random_uuid()::text::bytea), token_id, prefix, issued_at, expires_at
      from ended join presented using (hash) where current
    )
    select distinct token_id from presented where live`
}
