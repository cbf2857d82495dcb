import { setTimeout as delay } from 'node:timers/promises'

/** How long a proof of hearing lets an instance use what it remembers, from when it began to prove it. */
export const LEASE_MS = 400
const BEAT_MS = 125
/** The lease is renewed while somebody uses it, and for this long after. An idle service asks nothing. */
const IDLE_MS = 2_000
const DEAF_MS = 2_000
/** By how much the two clocks of a machine may differ within a lease. A machine that slept moves only one. */
const CLOCKS_MS = 50

const now = () => performance.now()

/**
 * The right to use what is remembered. It lasts for a moment, and is renewed by a message that this instance
 * sends through the database to its own ear: `ask` sends it, and what comes back is given to `granted`. So an
 * instance that does not hear stops by itself, by its own clock. docs/revocation.md says why that is enough.
 */
export function createLease({
  ask,
  onDeaf,
}: {
  /** Sends `message` to ourselves, with the database's clock in milliseconds behind it. */
  ask: (message: string) => Promise<void>
  /** Called with true when nothing has come back for some seconds, again and again, and with false when it has. */
  onDeaf: (deaf: boolean) => void
}) {
  // Of the message that came back last: when it was sent and heard by our clocks, and the database's in between.
  let [sent, wall, heard, database] = [Number.NEGATIVE_INFINITY, 0, 0, 0]
  let proven = false
  let beating = false
  let usedAt = 0
  let closed = false

  const beat = async () => {
    beating = true
    let lastHeard = now()
    while (!closed && now() - usedAt < IDLE_MS) {
      const started = now()
      // A failure needs no care: the lease runs out.
      await ask(`${started} ${Date.now()}`).catch(() => {})
      if (proven) lastHeard = Math.max(lastHeard, heard)
      if (now() - lastHeard > DEAF_MS) {
        lastHeard = now()
        onDeaf(true)
      }
      await delay(Math.max(1, BEAT_MS - (now() - started)), undefined, { ref: false })
    }
    beating = false
  }

  return {
    /**
     * Between which two instants the database's clock is, in milliseconds, while this instance may use what it
     * remembers; else null. Asking keeps the lease up.
     */
    clock(): { earliest: number; latest: number } | null {
      const at = now()
      usedAt = at
      if (!beating) void beat()
      const age = at - sent
      if (age >= LEASE_MS || Math.abs(Date.now() - wall - age) > CLOCKS_MS) return null
      return { earliest: database + at - heard, latest: database + age }
    },

    /** Whether this instance has heard itself since its ear was opened, and so hears everything since. */
    isProven: () => proven,

    granted(message: string): void {
      const [sentAt = Number.NaN, wallAt = Number.NaN, databaseAt = Number.NaN] = message
        .split(' ')
        .map(Number)
      // Not to be shortened by a message that is late.
      if (!(sentAt > sent)) return
      ;[sent, wall, heard, database] = [sentAt, wallAt, now(), databaseAt]
      proven = true
      onDeaf(false)
    },

    /** Ends the lease; the next message that comes back begins another. */
    end(): void {
      sent = Number.NEGATIVE_INFINITY
      proven = false
    },

    close(): void {
      closed = true
    },
  }
}
