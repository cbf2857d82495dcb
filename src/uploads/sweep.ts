import type { Sql } from 'postgres'
import type { Log } from '../log.ts'
import { inTurn, rounds } from '../rounds.ts'
import type { Parts } from './parts.ts'
import type { Uploads } from './uploads.ts'

const SWEEP_MS = 10 * 60 * 1_000
const LOCK = 7_228_053_314

/** Removes the uploads whose time is over, bytes first: what breaks off is found by the next sweep. */
export function uploadSweep(options: { sql: Sql; uploads: Uploads; parts: Parts; log: Log }) {
  const { sql, uploads, parts, log } = options
  const sweep = async () => {
    for (const { id } of await uploads.expired()) {
      await parts.remove(id)
      await uploads.forget(id)
    }
  }
  return {
    once: () => inTurn(sql, LOCK, sweep),
    /** Now and again every ten minutes. */
    keep: () =>
      rounds({
        sql,
        lock: LOCK,
        everyMs: SWEEP_MS,
        work: sweep,
        failed: (error) => log.warn('old uploads not removed', { error: String(error) }),
      }),
  }
}
