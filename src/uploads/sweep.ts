import type { Sql } from 'postgres'
import type { Log } from '../log.ts'
import type { Parts } from './parts.ts'
import type { Uploads } from './uploads.ts'

const SWEEP_MS = 10 * 60 * 1_000
/** Any number that nothing else in this database locks. */
const LOCK_KEY = 7_228_053_314

export type Sweep = ReturnType<typeof sweeping>

/** Removes the uploads whose time is over, bytes first: what breaks off is found by the next sweep. */
export function sweeping(options: { sql: Sql; uploads: Uploads; parts: Parts; log: Log }) {
  const { sql, uploads, parts, log } = options
  let timer: ReturnType<typeof setInterval> | undefined
  let running: Promise<void> | undefined

  /** One instance at a time: one that finds another at work leaves it to that. */
  const sweep = () =>
    sql.begin(async (tx) => {
      const [lock] = await tx<
        { taken: boolean }[]
      >`select pg_try_advisory_xact_lock(${LOCK_KEY}) as taken`
      if (!lock?.taken) return
      for (const { id } of await uploads.expired()) {
        await parts.remove(id)
        await uploads.forget(id)
      }
    })

  return {
    sweep: async () => void (await sweep()),
    start() {
      timer = setInterval(() => {
        running = sweep().then(
          () => {},
          (error) => log.warn('old uploads not removed', { error: String(error) }),
        )
      }, SWEEP_MS)
    },
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
