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

/** Not yet in the log. */
const MAX_ROWS = 10_000

/** So many are on their way: the second is there when PostgreSQL has written the first. */
const BATCHES = 2

/** Fewer rows cost PostgreSQL hardly less than so many, and are not sent behind others. */
const WORTH_A_BATCH = 8

/** From so many callers on, those who were just answered are waited for, as long as a row takes anyway. */
const MANY = 16
const GATHER_MS = 1

/** Where no answer waits, larger batches make each row cheaper. */
const UNAWAITED_GATHER_MS = 10

/**
 * A batch counts the uses of a token in one of so many rows, by chance. Instances then rarely wait for each other's; and
 * while a backup's snapshot keeps all former versions of a row, each update walks past a sixteenth of them.
 */
const SHARDS = 16

/**
 * Group commit: a batch is about half of those who call, and of the two halves one is written while the other is answered
 * and calls again. Both are on their way on one connection, one after the other: `sql` should have no more. A lone row goes
 * at once; while many call, a batch that has none before it waits a moment for its half.
 * `write` says of each row whether it is committed or lost; of those that are lost `onLost` hears once for all of a batch.
 * `awaited` is whether answers wait for their rows. `flush` resolves when nothing is left to write.
 */
export function auditWriter(options: {
  sql: Sql
  onLost: (error: unknown, rows: number) => void
  awaited: boolean
}) {
  const { sql, onLost, awaited } = options
  const gatherMs = awaited ? GATHER_MS : UNAWAITED_GATHER_MS
  const waiting: Waiting[] = []
  const batches = new Set<Promise<void>>()
  let sent = 0
  /** How many rows there were at a time lately: waiting, sent, or just settled. */
  let callers = 0
  let gathering = false

  const send = (batch: Waiting[]) => {
    const rows = batch.map(({ row }) => row)
    sent += rows.length
    const written = answered(writeRows(sql, rows)).then(
      () => true,
      (error) => {
        onLost(error, rows.length)
        return false
      },
    )
    const done = written.then((kept) => {
      batches.delete(done)
      callers = Math.max(callers - callers / 64, sent + waiting.length)
      sent -= rows.length
      for (const { settled } of batch) settled(kept)
      proceed()
    })
    batches.add(done)
  }

  const sendAll = () => {
    if (waiting.length > 0) send(waiting.splice(0))
  }

  const proceed = () => {
    const half = Math.max(callers / 2, WORTH_A_BATCH)
    const enough = () => {
      if (!awaited) return Number.POSITIVE_INFINITY
      return batches.size > 0 || callers >= MANY ? half : 1
    }
    while (batches.size < BATCHES && waiting.length >= enough()) {
      send(waiting.splice(0, Math.ceil(half)))
    }
    if (gathering || batches.size > 0 || waiting.length === 0) return
    gathering = true
    setTimeout(() => {
      gathering = false
      if (batches.size === 0) sendAll()
    }, gatherMs)
  }

  return {
    write(row: AuditRow, settled: (kept: boolean) => void = () => {}): void {
      if (waiting.length + sent >= MAX_ROWS) {
        onLost(new Error('audit queue is full'), 1)
        settled(false)
        return
      }
      waiting.push({ row, settled })
      proceed()
    },
    async flush(): Promise<void> {
      for (sendAll(); batches.size > 0; sendAll()) await Promise.race(batches)
    },
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
