import type { Sql } from 'postgres'
import type { Log } from '../log.ts'
import { rounds } from '../rounds.ts'
import type { Storage } from '../storage/storage.ts'
import { type Month, verify, type Written, writeMonth } from './export.ts'

const HOUR_MS = 3_600_000

const LOCK = 7_228_053_313

type Options = {
  sql: Sql
  /** Where months go: a place that holds nothing else. */
  storage: Storage
  /** At least 30, for PostgreSQL drops nothing younger. */
  days: number
  log: Log
}

/**
 * Takes the months out of the audit log whose every row is older than `days`, now and again every hour, for as long as the
 * service runs: each is exported, the export read back, and then its partition is dropped. What fails is tried again an
 * hour later. `stop` breaks off what is under way, and resolves when it has ended.
 */
export function keepRetention(options: Options) {
  const { sql, log } = options
  return rounds({
    sql,
    lock: LOCK,
    everyMs: HOUR_MS,
    work: (signal) => retire(options, signal),
    failed: (error) => log.warn('audit log not retired', { error: String(error) }),
  })
}

/** One pass. That others make none meanwhile spares them the work: each step holds by itself. */
async function retire(options: Options, signal: AbortSignal): Promise<void> {
  const { sql, storage, days, log } = options
  // What instances have left that were killed while they wrote. It can wait for another hour.
  await storage.tidy().catch(() => {})
  const months = await sql<Month[]>`
    select month::text, pages::int from audit_log_expired_months(${days})`
  for (const month of months) {
    await retireMonth(options, month, signal).catch((error) => {
      signal.throwIfAborted()
      log.warn('audit month not retired', { month: month.month, error: String(error) })
    })
  }
}

async function retireMonth(options: Options, month: Month, signal: AbortSignal): Promise<void> {
  const { sql, storage, days, log } = options
  const { file, ...written } = await exported(options, month, signal)
  try {
    await verify(storage.source(file, written.sizeBytes), written, signal)
  } catch (error) {
    if (!signal.aborted) await startOver(sql, file)
    throw error
  }
  const dropped = await sql.begin(async (tx) => {
    // The pool's limit is meant for requests; counting a month may take longer.
    await tx`set local statement_timeout = 0`
    const [answer] = await tx`select audit_log_drop_month(${file}, ${days}) as dropped`
    return answer?.dropped === true
  })
  if (!dropped) {
    await startOver(sql, file)
    throw new Error('rows were added to the month after its export')
  }
  log.info('audit month retired', { month: month.month, file, ...written })
}

type Export = Written & { file: string }

/** The export of a month: the one that is there, as after a crash or where the drop had to wait, or a new one. */
async function exported(options: Options, month: Month, signal: AbortSignal): Promise<Export> {
  const { sql, storage } = options
  const [former] = await sql<(Export & { sha256: string | null })[]>`
    select file, rows::float8, size_bytes::float8 as "sizeBytes", sha256 from audit_exports
    where month = ${month.month}::text::date and dropped_at is null`
  if (former && former.sha256 !== null) return former
  // What was broken off may be there in part, or whole; it goes before its name is forgotten.
  if (former) await storage.remove(former.file)
  // A name that nobody else writes to, even who went on without knowing that they had lost their turn.
  const file = `audit_log_${month.month.slice(0, 7)}_${crypto.randomUUID()}.ndjson.gz`
  await sql`
    insert into audit_exports (file, month) values (${file}, ${month.month}::text::date)
    on conflict (month) where dropped_at is null do update set file = excluded.file, started_at = now()`
  const staged = await storage.stage(file)
  try {
    const written = await writeMonth(sql, month, staged, signal)
    await staged.commit()
    await sql`
      update audit_exports set rows = ${written.rows}, size_bytes = ${written.sizeBytes}, sha256 = ${written.sha256}
      where file = ${file}`
    return { file, ...written }
  } catch (error) {
    await staged.discard()
    throw error
  }
}

/** The next pass makes another export. */
const startOver = (sql: Sql, file: string) =>
  sql`update audit_exports set sha256 = null where file = ${file} and dropped_at is null`
