/** How full a key's window is after a hit: `allowed` says whether this one was counted. */
export type Hit = { allowed: boolean; remaining: number; resetSeconds: number }
export type LimitStore = { hit(key: string): Hit | Promise<Hit> }

/**
 * An exact sliding window in memory: the instants of the last `limit` allowed hits of each key.
 * A refused hit is not counted, so a client that waits is let in again. When `maxKeys` is reached and no key is
 * idle, new keys share one window: nobody's count is dropped to make room.
 */
export function memoryStore(options: {
  limit: number
  windowSeconds: number
  now: () => number
  maxKeys?: number
}): LimitStore {
  const { limit, now, maxKeys = 1_000_000 } = options
  const windowMs = options.windowSeconds * 1000
  const hits = new Map<string, number[]>()
  let sweptAt = now()

  const dropIdle = (oldest: number) => {
    for (const [key, instants] of hits) {
      if ((instants.at(-1) ?? 0) <= oldest) hits.delete(key)
    }
    sweptAt = now()
  }

  const instantsOf = (key: string): number[] => {
    const known = hits.get(key)
    if (known) return known
    const shared = hits.size >= maxKeys ? hits.get('') : undefined
    if (shared) return shared
    const fresh: number[] = []
    hits.set(hits.size >= maxKeys ? '' : key, fresh)
    return fresh
  }

  return {
    hit(key) {
      const at = now()
      const oldest = at - windowMs
      if (sweptAt <= oldest) dropIdle(oldest)
      const instants = instantsOf(key)
      let passed = 0
      while (passed < instants.length && (instants[passed] ?? 0) <= oldest) passed++
      if (passed > 0) instants.splice(0, passed)
      const allowed = instants.length < limit
      if (allowed) instants.push(at)
      const resetMs = (instants[0] ?? at) + windowMs - at
      return {
        allowed,
        remaining: limit - instants.length,
        resetSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
      }
    },
  }
}
