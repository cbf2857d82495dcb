import { setTimeout as delay } from 'node:timers/promises'
import { ERRORS, type Locker } from '@tus/server'
import type { Sql } from 'postgres'

/** Who holds an upload says so this often, and hears then whether somebody waits for it. */
const RENEW_MS = 1_000
/** What an instance that died held is free after this. */
const LEASE_SECONDS = 10
const RETRY_MS = 100
/** Who is turned away asks again by itself; a service that stops waits for no longer than six seconds. */
const GIVE_UP_MS = 5_000

/**
 * One request at a time works on an upload, whichever instance it came to. The lock is a lease in the upload's row, so
 * that a slow upload keeps no connection to the database. Whoever waits is let in soon: a client that resumes has given
 * up on the connection that still holds the lock.
 */
export function leases(sql: Sql): Locker {
  // Not by now(), which is when a statement began: while it waited for the row, somebody may have taken a later one.
  const leaseEnd = sql`clock_timestamp() + ${LEASE_SECONDS} * interval '1 second'`
  return {
    newLock(id) {
      const holder = crypto.randomUUID()
      let renewal: ReturnType<typeof setInterval> | undefined
      const take = async () => {
        const { count } = await sql`
          update uploads set holder = ${holder}, wanted = false, held_until = ${leaseEnd}
          where id = ${id} and expires_at > now()
            -- One that ends later than any can is from before the database's clock was set back.
            and coalesce(held_until not between clock_timestamp() and ${leaseEnd}, true)`
        return count === 1
      }
      const isThere = async () => {
        const { count } = await sql`
          update uploads set wanted = true where id = ${id} and expires_at > now()`
        return count === 1
      }
      let renewed = 0
      const renew = async () => {
        const asked = performance.now()
        const [row] = await sql<{ wanted: boolean }[]>`
          update uploads set held_until = ${leaseEnd}
          where id = ${id} and holder = ${holder} returning wanted`
        renewed = asked
        return row?.wanted === false
      }
      // A database that is away for a moment does not end the upload; one that is away for longer ends the lease.
      const isOver = () => performance.now() - renewed > (LEASE_SECONDS * 1_000) / 2

      return {
        async lock(signal, release) {
          const end = performance.now() + GIVE_UP_MS
          while (!(await take())) {
            if (signal.aborted || performance.now() > end) throw ERRORS.ERR_LOCK_TIMEOUT
            if (!(await isThere())) throw ERRORS.FILE_NOT_FOUND
            await delay(RETRY_MS)
          }
          renewed = performance.now()
          renewal = setInterval(async () => {
            if (!(await renew().catch(() => !isOver()))) release()
          }, RENEW_MS)
        },
        async unlock() {
          clearInterval(renewal)
          await sql`
            update uploads set holder = null, held_until = null, wanted = false
            where id = ${id} and holder = ${holder}`
        },
      }
    },
  }
}
