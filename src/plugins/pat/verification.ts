import type { Sql } from 'postgres'
import { createCache } from './cache.ts'
import { joinInstances } from './instance.ts'
import { type Known, readKnown, type Standing, standing } from './known.ts'
import { secretKey } from './secret.ts'

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
  const flights = new Map<string, { generation: number; found: Promise<Found> }>()

  const read = async (key: string): Promise<Found> => {
    const generation = cache.generation()
    const proven = instances.isProven()
    const row = await readKnown(sql, key)
    if (row === null) {
      cache.keepUnknown(key, performance.now())
      return null
    }
    if (proven) cache.keep(key, row.known, generation)
    // One instant decides always.
    return { known: row.known, standing: standing(row.known, row.at, row.at) ?? 'expired' }
  }

  /** One read for all who ask meanwhile, as long as nothing has changed since it began. */
  const shared = (key: string): Promise<Found> => {
    const generation = cache.generation()
    const flight = flights.get(key)
    if (flight?.generation === generation) return flight.found
    const found = read(key)
    const mine = { generation, found }
    flights.set(key, mine)
    const land = () => {
      if (flights.get(key) === mine) flights.delete(key)
    }
    found.then(land, land)
    return found
  }

  return {
    /** What there is to know of a well-formed string now. Null when it was never handed out. */
    find(token: string): Found | Promise<Found> {
      const key = secretKey(token)
      const clock = instances.clock()
      const known = cache.get(key)
      if (clock && known) {
        const decided = standing(known, clock.earliest, clock.latest)
        if (decided !== null) return { known, standing: decided }
      }
      if (!known && cache.isUnknown(key, performance.now())) return null
      // A read that began before must not answer for one that hears of nothing.
      return clock ? shared(key) : read(key)
    },

    settled: instances.settled,
    close: instances.close,
  }
}
