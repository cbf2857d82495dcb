import type { ISql, Sql } from 'postgres'
import { answered } from '../deadline.ts'

export type AuditRow = {
  token_id: string
  /** In milliseconds. */
  at: number
  ip: string | null
  method: string
  endpoint: string
  status_code: number
  authorized: boolean
  reason: string | null
}

/** A row on its way, and who wants to know whether it is kept or lost. */
type Waiting = { row: AuditRow; settled: (kept: boolean) => void }

const MAX_WAITING = 10_000

/** Rows that share a commit cost half of what each would alone; more together are hardly cheaper, and all are kept waiting. */
const TOGETHER = 32

/** From so many callers on, those who were just answered are waited for, as long as a row takes anyway. */
const BUSY = 8
const GATHER_MS = 1

/**
 * A batch counts the uses of a token in one of so many rows, by chance. Instances then rarely wait for each other's; and
 * while a backup's snapshot keeps all former versions of a row, each update walks past a sixteenth of them.
 */
const SHARDS = 16

/**
 * Group commit: one batch is in flight, and the next one is of what arrives meanwhile. It is about half of those who call,
 * so that PostgreSQL writes one half while we answer the other; and while many call, it is not sent before those who were
 * just answered have called again. `write` says of each row whether it is committed or lost; of those that are lost `onLost`
 * hears once for all of a batch. `flush` resolves when nothing waits. Where nobody waits for rows, `pauseMs` between
 * two batches makes them larger, and each row cheaper.
 */
export function auditWriter(options: {
  sql: Sql
  onLost: (error: unknown, rows: number) => void
  pauseMs: number
}) {
  const { sql, onLost, pauseMs } = options
  const waiting: Waiting[] = []
  let gathering: { rows: number; done: () => void } | null = null
  let running: Promise<void> | null = null

  const send = async (batch: Waiting[]) => {
    const rows = batch.map(({ row }) => row)
    const kept = await answered(writeRows(sql, rows)).then(
      () => true,
      (error) => {
        onLost(error, rows.length)
        return false
      },
    )
    for (const { settled } of batch) settled(kept)
    return kept
  }

  /** Until so many rows wait, and no longer than `ms`. */
  const gather = async (rows: number, ms: number) => {
    if (waiting.length >= rows) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    gathering = { rows, done: resolve }
    await promise
    gathering = null
    clearTimeout(timer)
  }

  const drain = async () => {
    let most = TOGETHER
    while (waiting.length > 0) {
      const batch = waiting.splice(0, most)
      const kept = await send(batch)
      const callers = batch.length + waiting.length
      if (pauseMs > 0) await gather(Number.POSITIVE_INFINITY, pauseMs)
      else if (batch.length >= BUSY) await gather(Math.min(TOGETHER, callers), GATHER_MS)
      // When the database is away, nobody waits for the failures of several batches.
      most = kept ? Math.max(TOGETHER, Math.ceil(callers / 2)) : waiting.length
    }
    running = null
  }

  return {
    write(row: AuditRow, settled: (kept: boolean) => void = () => {}): void {
      if (waiting.length >= MAX_WAITING) {
        onLost(new Error('audit queue is full'), 1)
        settled(false)
        return
      }
      waiting.push({ row, settled })
      if (gathering && waiting.length >= gathering.rows) gathering.done()
      running ??= drain()
    },
    flush: async () => void (await running),
  }
}

/**
 * Writes the rows, and with them the count of uses of each token and its last one: one statement, so that they agree.
 * Everybody locks the counts in the same order, so that nobody waits in a circle. A column goes as one text with a line
 * a row, which costs PostgreSQL and us less than arrays or JSON.
 */
export async function writeRows(sql: ISql, rows: readonly AuditRow[]): Promise<void> {
  const shard = Math.floor(Math.random() * SHARDS)
  const column = (of: (row: AuditRow) => unknown) => rows.map(of).join('\n')
  await sql`
    with row as materialized (
      select token_id, to_timestamp(at / 1000) as at, ip, method, endpoint, status_code, authorized, reason
      from unnest(
        string_to_array(${column((row) => row.token_id)}, chr(10))::uuid[],
        string_to_array(${column((row) => row.at)}, chr(10))::float8[],
        string_to_array(${column((row) => row.ip ?? '')}, chr(10), '')::inet[],
        string_to_array(${column((row) => line(row.method))}, chr(10)),
        string_to_array(${column((row) => line(row.endpoint))}, chr(10)),
        string_to_array(${column((row) => row.status_code)}, chr(10))::smallint[],
        string_to_array(${column((row) => row.authorized)}, chr(10))::boolean[],
        string_to_array(${column((row) => line(row.reason ?? ''))}, chr(10), '')
      ) as row (token_id, at, ip, method, endpoint, status_code, authorized, reason)
    ), written as (
      insert into audit_log (token_id, at, ip, method, endpoint, status_code, authorized, reason)
      select * from row
    )
    insert into token_uses as kept
    select token_id, date_trunc('month', at at time zone 'UTC')::date, ${shard}::smallint,
      count(*) filter (where authorized), count(*) filter (where not authorized),
      max(at) filter (where authorized),
      (array_agg(ip order by at desc) filter (where authorized))[1]
    from row group by 1, 2 order by 1, 2
    on conflict (token_id, month, shard) do update set
      authorized = kept.authorized + excluded.authorized,
      refused = kept.refused + excluded.refused,
      last_at = greatest(kept.last_at, excluded.last_at),
      last_ip = case when excluded.last_at >= kept.last_at or kept.last_at is null
        then excluded.last_ip else kept.last_ip end`
}

// A line break in a value would move all values behind it into other rows.
const line = (text: string) => text.replaceAll('\n', ' ')
