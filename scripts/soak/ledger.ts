// What the clients of a soak saw: what has to be true when it is over.
import { createHash } from 'node:crypto'

export type Ledger = ReturnType<typeof createLedger>

/** The answers that say that the service, or the way to it, is not well: allowed while a fault lasts. */
const OUTAGES = new Set([502, 503, 504])

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

export function createLedger() {
  let calls = 0
  const counts: Record<string, number> = {}
  return {
    /** The addresses and statuses of calls with a token that were answered by the service: each needs its row. */
    answered: { addresses: [] as string[], statuses: [] as number[] },
    /** What each file that was answered 201 has for its SHA-256, unless a delete of it was begun. */
    files: new Map<string, string>(),
    /** Answers that should not be. */
    wrong: [] as string[],
    /** When calls failed, in milliseconds. */
    failures: [] as number[],
    /** When a limit was last what it is over all instances. */
    sharedAt: 0,
    counts,

    /** An address that no other call comes from. */
    address(): string {
      calls++
      return `10.${calls >> 16}.${(calls >> 8) & 255}.${calls & 255}`
    },

    failed(what: string): void {
      this.failures.push(Date.now())
      counts[what] = (counts[what] ?? 0) + 1
    },

    /** Notes how much of a burst passed. */
    limited(passed: number, limit: number, most: number): void {
      const isShared = Math.abs(passed - limit) <= 1
      if (isShared) this.sharedAt = Date.now()
      const kind = isShared ? 'burst limited' : 'burst limited by each instance'
      counts[kind] = (counts[kind] ?? 0) + 1
      if (passed < limit - 1 || passed > most)
        this.wrong.push(`burst: ${passed} passed of ${limit}`)
    },

    /** Notes an answer to a call of this kind; whether it is one of those that were due. */
    saw(kind: string, due: readonly number[], answer: { status: number; text: string }): boolean {
      const { status, text } = answer
      if (OUTAGES.has(status)) this.failed(`${kind} ${status}`)
      else counts[`${kind} ${status}`] = (counts[`${kind} ${status}`] ?? 0) + 1
      const isDue = due.includes(status)
      const isWrong = !isDue && !OUTAGES.has(status)
      if (isWrong)
        this.wrong.push(`${kind}: ${status} and not ${due.join(' or ')}: ${text.slice(0, 200)}`)
      return isDue
    },
  }
}
