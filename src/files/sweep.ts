import type { Sql } from 'postgres'
import type { Log } from '../log.ts'
import type { Storage } from '../storage/storage.ts'
import { compare } from './compare.ts'

const HOUR_MS = 60 * 60 * 1000
/** Any number, the same in every release: instances sweep by turns. */
const TURN = 7_230_417_001
/** How many leftovers are claimed at a time. */
const CLAIM = 100

export type SweepOptions = {
  sql: Sql
  storage: Storage
  log: Log
  /** How long an upload may take from its last byte to its row. Shorter, it fails; it is never kept without bytes. */
  graceSeconds?: number
  stop?: AbortSignal
}

/**
 * Removes the bytes that no file owns and no upload will, and says which files have lost theirs. Nothing is done while
 * another instance sweeps.
 */
export async function sweep(options: SweepOptions): Promise<void> {
  await options.sql.begin(async (tx) => {
    const [turn] = await tx<{ mine: boolean }[]>`select pg_try_advisory_xact_lock(${TURN}) as mine`
    if (!turn?.mine) return
    const removed = await removeLeftovers(options)
    const abandoned = await options.storage.tidy()
    if (removed + abandoned > 0) options.log.info('storage swept', { removed, abandoned })
    const { lost, strays } = await compare(options)
    if (lost.length > 0) options.log.error('bytes of files are lost', report(lost))
    if (strays.length > 0) options.log.warn('bytes that belong to no file', report(strays))
  })
}

const report = (ids: string[]) => ({ files: ids.length, ids: ids.slice(0, 20) })

async function removeLeftovers(options: SweepOptions): Promise<number> {
  const { sql, storage, graceSeconds = 3600, stop } = options
  let removed = 0
  for (let more = true; more && !stop?.aborted; ) {
    // Who deletes a row of this table to make it a file waits for this, and then finds it claimed.
    const claimed = await sql<{ id: string }[]>`
      update fcs_leftovers set claimed = true
      where id in (
        select id from fcs_leftovers where since <= now() - ${graceSeconds} * interval '1 second'
          -- Announced again by an instance that did not know that another had made the file.
          and not exists (select from fcs_files where fcs_files.id = fcs_leftovers.id)
        order by since limit ${CLAIM} for update skip locked)
      returning id`
    for (const { id } of claimed) {
      await storage.remove(id)
      await sql`delete from fcs_leftovers where id = ${id}`
    }
    removed += claimed.length
    more = claimed.length === CLAIM
  }
  return removed
}

/** Sweeps now and again every hour. `stop` takes no new step, and waits for none. */
export function keepSwept(options: Omit<SweepOptions, 'stop'> & { everyMs?: number }) {
  const { everyMs = HOUR_MS, ...rest } = options
  const stopped = new AbortController()
  let running = false
  const run = async () => {
    if (running) return
    running = true
    try {
      await sweep({ ...rest, stop: stopped.signal })
    } catch (error) {
      if (!stopped.signal.aborted) rest.log.warn('sweep broken off', { error: String(error) })
    } finally {
      running = false
    }
  }
  void run()
  const timer = setInterval(run, everyMs)
  return {
    stop() {
      clearInterval(timer)
      stopped.abort()
    },
  }
}
