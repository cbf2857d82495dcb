import { createQueue } from './queue.ts'

/** How full a key's window is after a hit: `allowed` says whether this one was counted. */
export type Hit = { allowed: boolean; remaining: number; resetSeconds: number }
/** `limit` is a key's own, where it is not that of the store. */
export type LimitStore = { hit(key: string, limit?: number): Hit | Promise<Hit> }
/** For what counts only when it fails: counted before it is tried, and the hit taken back when it succeeded. */
export type AttemptStore = LimitStore & { takeBack(key: string, hit: Hit): void | Promise<void> }
/** Answers at once. */
export type MemoryStore = { hit(key: string, limit?: number): Hit; takeBack(key: string): void }

/** The hits of a key that count: how many, and the places of the first and the last of them in the queue. */
type Counted = { key: string; count: number; oldest: number; newest: number }

/** What 70,000 requests a second leave in a minute: some 80 MB. */
const MOST_HITS = 2 ** 22

/**
 * An exact sliding window in memory: all hits that count stand in one queue until their window is over, and a key is known
 * while it has one there. A refused hit is not counted, so a client that waits is let in again. When `maxKeys` are known,
 * new ones share one window, and when the queue is full everybody is refused: nobody's count is dropped to make room.
 * `now` is in milliseconds; when it goes back, time stands still.
 */
export function memoryStore(options: {
  limit: number
  windowSeconds: number
  now: () => number
  maxKeys?: number
  maxHits?: number
}): MemoryStore {
  const { now, maxKeys = 1_000_000, maxHits = MOST_HITS } = options
  const windowMs = options.windowSeconds * 1000
  const known = new Map<string, Counted>()
  let queue = createQueue<Counted>()
  let latest = Number.NEGATIVE_INFINITY

  const forget = (until: number) => {
    if (queue.size() > 0 && queue.instant(queue.end() - 1) <= until) {
      // After a flood and a quiet minute nobody has to wait until each of its hits is taken out.
      known.clear()
      queue = createQueue()
    }
    while (queue.size() > 0 && queue.instant(queue.first()) <= until) {
      const { owner, next } = queue.shift()
      if (!owner) continue
      owner.count--
      owner.oldest = next
      if (owner.count === 0) known.delete(owner.key)
    }
  }

  const count = (key: string, counted: Counted | undefined): Counted => {
    const place = queue.end()
    const owner = counted ?? { key, count: 0, oldest: place, newest: place }
    if (!counted) known.set(key, owner)
    queue.push(latest, owner)
    if (owner.count > 0) queue.chain(owner.newest, place)
    owner.newest = place
    owner.count++
    return owner
  }

  return {
    /** The newest hit of a key no longer counts. Takes a step for each hit of the key. */
    takeBack(key) {
      const counted = known.get(key) ?? known.get('')
      if (!counted) return
      queue.drop(counted.newest)
      counted.count--
      if (counted.count === 0) known.delete(counted.key)
      counted.newest = counted.oldest
      for (let hit = 1; hit < counted.count; hit++) counted.newest = queue.after(counted.newest)
    },

    hit(key, limit = options.limit) {
      latest = Math.max(latest, now())
      forget(latest - windowMs)
      const mine = known.has(key) || known.size < maxKeys ? key : ''
      const counted = known.get(mine)
      const allowed = (counted?.count ?? 0) < limit && queue.size() < maxHits
      const owner = allowed ? count(mine, counted) : counted
      const oldest = queue.instant(owner ? owner.oldest : queue.first())
      return {
        allowed,
        // A key whose limit was lowered may have had more.
        remaining: Math.max(0, limit - (owner?.count ?? 0)),
        resetSeconds: Math.max(1, Math.ceil((windowMs - (latest - oldest)) / 1000)),
      }
    },
  }
}
