import type { Sql } from 'postgres'
import { answered } from '../plugins/deadline.ts'
import type { Session } from './session.ts'

const DAY_MS = 86_400_000

/** How an access token stands: null when its owner is unknown. Asked on every call, so it is one query. */
export async function sessionState(
  sql: Sql,
  { userId, jti }: Pick<Session, 'userId' | 'jti'>,
): Promise<{ is_active: boolean; session_epoch: number; open: boolean } | null> {
  const [state] = await answered(sql<
    { is_active: boolean; session_epoch: number; open: boolean }[]
  >`
    select is_active, session_epoch,
      exists (select from sessions where jti = ${jti} and user_id = users.id) as open
    from users where id = ${userId}`)
  return state ?? null
}

/**
 * Makes an access token one that is accepted. Those that have long expired are taken out on the way, so that the table is
 * never larger than the logins of a day and a token's life: by the service's clock, which judges expiry, and a day later, for
 * that of another instance may be late.
 */
export async function beginSession(
  sql: Sql,
  { userId, jti, expiresAt }: Pick<Session, 'userId' | 'jti' | 'expiresAt'>,
): Promise<void> {
  await sql`
    with expired as (
      delete from sessions where jti in (
        select jti from sessions where expires_at < ${new Date(Date.now() - DAY_MS)}
        limit 1000 for update skip locked)
    )
    insert into sessions (jti, user_id, expires_at) values (${jti}, ${userId}, ${expiresAt})`
}

/** Refuses an access token from now on, whatever any clock says. */
export async function endSession(sql: Sql, { jti }: Pick<Session, 'jti'>): Promise<void> {
  await sql`delete from sessions where jti = ${jti}`
}
