import type { Sql } from 'postgres'
import type { Log } from '../log.ts'
import { inTurn, rounds } from '../rounds.ts'
import type { Storage } from '../storage/storage.ts'
import { compare } from './compare.ts'

const HOUR_MS = 60 * 60 * 1000
const LOCK = 7_230_417_001
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
export const sweep = (options: SweepOptions): Promise<void> =>
  inTurn(options.sql, LOCK, () => sweepThrough(options))

async function sweepThrough(options: SweepOptions): Promise<void> {
  const removed = await removeLeftovers(options)
  const abandoned = await options.storage.tidy()
  if (removed + abandoned > 0) options.log.info('storage swept', { removed, abandoned })
  const { lost, strays } = await compare(options)
  if (lost.length > 0) options.log.error('bytes of files are lost', report(lost))
  if (strays.length > 0) options.log.warn('bytes that belong to no file', report(strays))
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

/** Sweeps now and again every hour. `stop` lets no new step begin. */
export const keepSwept = ({ sql, storage, log }: Omit<SweepOptions, 'stop' | 'graceSeconds'>) =>
  rounds({
    sql,
    lock: LOCK,
    everyMs: HOUR_MS,
    work: (stop) => sweepThrough({ sql, storage, log, stop }),
    failed: (error) => log.warn('sweep broken off', { error: String(error) }),
  })
