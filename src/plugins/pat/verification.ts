import type { Sql } from 'postgres'
import { createCache } from './cache.ts'
import { joinInstances } from './instance.ts'
import { type Known, readKnown, type Standing, standing } from './known.ts'
import { tokenKey } from './secret.ts'

export type Found = { known: Known; standing: Standing } | null

/**
 * Finds out about the strings of tokens: from memory while this instance hears of every change, else, and at first,
 * from the database. A hit is synchronous.
 */
export function createVerification({ sql, onDeaf }: { sql: Sql; onDeaf: (deaf: boolean) => void }) {
  const cache = createCache()
  const instances = joinInstances({
    sql,
    forget: (id) => (id === null ? cache.clear() : cache.forget(id)),
    onDeaf,
  })
  const flights = new Map<string, Promise<Found>>()

  /** What memory says of a string at this instant; undefined when only the database can say. */
  const recall = (key: string): Found | undefined => {
    const clock = instances.clock()
    const known = cache.get(key)
    if (known === undefined) return cache.isUnknown(key, performance.now()) ? null : undefined
    const decided = clock && standing(known, clock.earliest, clock.latest)
    return decided ? { known, standing: decided } : undefined
  }

  const read = async (key: string): Promise<Found> => {
    const generation = cache.generation()
    const row = await readKnown(sql, key)
    if (row === null) {
      cache.keepUnknown(key, performance.now())
      return null
    }
    cache.keep(key, row.known, generation)
    // One instant decides always.
    return { known: row.known, standing: standing(row.known, row.at, row.at) ?? 'expired' }
  }

  /** A read that others may wait for. What it finds is for its own caller: it may be from before they came. */
  const fly = (key: string): Promise<Found> => {
    const flight = read(key)
    flights.set(key, flight)
    const land = () => flights.delete(key)
    flight.then(land, land)
    return flight
  }

  return {
    /** What there is to know of a well-formed string now. Null when it was never handed out. */
    find(token: string): Found | Promise<Found> {
      const key = tokenKey(token)
      const recalled = recall(key)
      if (recalled !== undefined) return recalled
      // What is read now will not be used again: there is nothing to wait for.
      if (!instances.isProven()) return read(key)
      const flight = flights.get(key)
      if (!flight) return fly(key)
      return flight.then(() => {
        const landed = recall(key)
        return landed === undefined ? read(key) : landed
      })
    },

    settled: instances.settled,
    close: instances.close,
  }
}
