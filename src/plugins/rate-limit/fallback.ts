import type { Link } from './link.ts'
import type { AttemptStore, Hit, MemoryStore } from './memory.ts'

/**
 * Counts in a store that is reached by a link, and in one of this process while it can't be reached. `onAlone` is called
 * for each hit that is counted here.
 */
export function fallbackStore(options: {
  link: Link
  shared: AttemptStore
  own: MemoryStore
  onAlone: () => void
}): AttemptStore {
  const { link, shared, own, onAlone } = options
  const countedHere = new WeakSet<Hit>()

  const alone = (key: string, limit?: number): Hit => {
    onAlone()
    const hit = own.hit(key, limit)
    countedHere.add(hit)
    return hit
  }

  return {
    hit(key, limit) {
      return link.ask<Hit>(
        () => shared.hit(key, limit),
        () => alone(key, limit),
      )
    },

    /** A hit is taken back where it was counted. One that can't be reached any more counts until its window is over. */
    takeBack(key, hit) {
      if (countedHere.has(hit)) return own.takeBack(key)
      return link.ask<void>(
        () => shared.takeBack(key, hit),
        () => {},
      )
    },
  }
}
