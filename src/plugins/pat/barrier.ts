import { setTimeout as delay } from 'node:timers/promises'
import { LEASE_MS } from './lease.ts'

/** Every lease from before has run out after this, with a tenth on top for clocks that run unevenly. */
const FENCE_MS = LEASE_MS * 1.125

export type Effect = {
  /** How many instances said that they know of the change. */
  confirmed: number
  /** How many did not, and by now use nothing that they remember. Null when the list of them can't be read. */
  fenced: number | null
}

export type Instance = { id: string; beat: string }

/**
 * Waits until every change that was committed before holds on every instance: each has said so, or its lease has
 * run out. That takes a round trip through the database, and at most 0.9 s.
 */
export function createBarrier({
  ask,
  remove,
}: {
  /** Asks all instances to say `passed` for this number, and lists those there are. */
  ask: (number: number) => Promise<Instance[]>
  /** Takes instances off the list that have not renewed their lease since. */
  remove: (silent: Instance[]) => Promise<void>
}) {
  const waiting = new Map<number, (id: string) => void>()
  let last = 0

  return {
    passed(number: number, id: string): void {
      waiting.get(number)?.(id)
    },

    async settled(): Promise<Effect> {
      const number = ++last
      const passed = new Set<string>()
      const { promise: all, resolve } = Promise.withResolvers<void>()
      let instances: Instance[] | null = null
      const silent = () => (instances ?? []).filter(({ id }) => !passed.has(id))
      const check = () => instances !== null && silent().length === 0 && resolve()
      waiting.set(number, (id) => {
        passed.add(id)
        check()
      })
      try {
        const fence = delay(FENCE_MS, undefined, { ref: false })
        instances = await Promise.race([ask(number).catch(() => null), fence.then(() => null)])
        // Whom the list would name is fenced by then, all the same.
        if (instances === null) {
          await fence
          return { confirmed: 0, fenced: null }
        }
        check()
        // Counted from when the list was read: a lease that is renewed later knows of the change.
        await Promise.race([all, delay(FENCE_MS, undefined, { ref: false })])
        const fenced = silent()
        if (fenced.length > 0) remove(fenced).catch(() => {})
        return { confirmed: instances.length - fenced.length, fenced: fenced.length }
      } finally {
        waiting.delete(number)
      }
    },
  }
}
