import type { Sql } from 'postgres'
import { answered } from '../plugins/deadline.ts'
import type { Session } from './session.ts'

/** How an access token stands: null when its owner is unknown. Asked on every call, so it is one query. */
export async function sessionState(
  sql: Sql,
  { userId, jti }: Pick<Session, 'userId' | 'jti'>,
): Promise<{ is_active: boolean; session_epoch: number; ended: boolean } | null> {
  const [state] = await answered(sql<
    { is_active: boolean; session_epoch: number; ended: boolean }[]
  >`
    select is_active, session_epoch, exists (select from ended_sessions where jti = ${jti}) as ended
    from users where id = ${userId}`)
  return state ?? null
}

/**
 * Refuses an access token from now on. Those that have long expired are taken out on the way, so that the table is
 * never larger than the logouts of a token's life; a day later, for the clock that judges expiry is not the database's.
 */
export async function endSession(sql: Sql, { jti, expiresAt }: Session): Promise<void> {
  await sql`
    with expired as (
      delete from ended_sessions where jti in (
        select jti from ended_sessions where expires_at < now() - interval '1 day'
        limit 1000 for update skip locked)
    )
    insert into ended_sessions (jti, expires_at) values (${jti}, ${expiresAt})
    on conflict do nothing`
}
