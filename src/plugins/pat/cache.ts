import type { Known } from './known.ts'

/**
 * What is remembered of tokens, by the SHA-256 of their strings, and within bounds: the oldest goes first. Unknown
 * strings have a place of their own, so that a flood of them pushes no token out.
 *
 * A change of what may be remembered moves `generation`. Who reads the database takes it down first, and `keep`
 * stores nothing that was read in an earlier one: it may be from before the change.
 */
export function createCache({ known = 10_000, unknown = 10_000, unknownMs = 10_000 } = {}) {
  const entries = new Map<string, Known>()
  const keysOf = new Map<string, Set<string>>()
  const strangers = new Map<string, number>()
  let generation = 0

  const drop = (key: string) => {
    const entry = entries.get(key)
    if (!entry) return
    entries.delete(key)
    for (const id of [entry.principal.tokenId, entry.principal.userId]) {
      const keys = keysOf.get(id)
      keys?.delete(key)
      if (keys?.size === 0) keysOf.delete(id)
    }
  }

  return {
    generation: () => generation,

    get: (key: string): Known | undefined => entries.get(key),

    keep(key: string, entry: Known, readIn: number): void {
      if (readIn !== generation) return
      drop(key)
      if (entries.size >= known) drop(oldest(entries))
      entries.set(key, entry)
      for (const id of [entry.principal.tokenId, entry.principal.userId]) {
        const keys = keysOf.get(id)
        if (keys) keys.add(key)
        else keysOf.set(id, new Set([key]))
      }
    },

    /** Forgets what hangs on a token or on an owner. */
    forget(id: string): void {
      generation++
      for (const key of keysOf.get(id) ?? []) drop(key)
    },

    clear(): void {
      generation++
      entries.clear()
      keysOf.clear()
    },

    /** Whether the string was unknown a moment ago. Nobody can present a string before it is issued. */
    isUnknown(key: string, now: number): boolean {
      const since = strangers.get(key)
      return since !== undefined && now - since < unknownMs
    },

    keepUnknown(key: string, now: number): void {
      strangers.delete(key)
      if (strangers.size >= unknown) strangers.delete(oldest(strangers))
      strangers.set(key, now)
    },
  }
}

const oldest = (map: Map<string, unknown>) => map.keys().next().value ?? ''
