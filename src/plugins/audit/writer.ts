import { setTimeout as delay } from 'node:timers/promises'
import type { ISql, Sql } from 'postgres'

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

/** Rows on their way: a text a column with a line a row, which costs PostgreSQL and us less than arrays or JSON. */
type Batch = {
  rows: number
  tokenIds: string
  instants: string
  addresses: string
  methods: string
  endpoints: string
  statuses: string
  authorized: string
  reasons: string
  written: PromiseWithResolvers<void>
}

const MAX_WAITING = 10_000

/**
 * A batch counts the uses of a token in one of so many rows, by chance. Instances then rarely wait for each other's; and
 * while a backup's snapshot keeps all former versions of a row, each update walks past a sixteenth of them.
 */
const SHARDS = 16

/**
 * Group commit: one batch is in flight, and what arrives meanwhile is the next one. `write` resolves when its row is
 * committed. `flush` resolves when nothing waits. Where nobody waits for rows, `pauseMs` between two batches makes them
 * larger, and each row cheaper.
 */
export function auditWriter(sql: Sql, pauseMs = 0) {
  let next = emptyBatch()
  let running: Promise<void> | null = null

  const drain = async () => {
    while (next.rows > 0) {
      const batch = next
      next = emptyBatch()
      await insert(sql, batch).then(() => batch.written.resolve(), batch.written.reject)
      if (pauseMs > 0) await delay(pauseMs)
    }
    running = null
  }

  return {
    write(row: AuditRow): Promise<void> {
      if (next.rows >= MAX_WAITING) return Promise.reject(new Error('audit queue is full'))
      add(next, row)
      const { promise } = next.written
      running ??= drain()
      return promise
    },
    flush: async () => void (await running),
  }
}

/** Writes rows at once, for whoever has a transaction that they belong to. */
export function writeRows(sql: ISql, rows: readonly AuditRow[]): Promise<void> {
  const batch = emptyBatch()
  for (const row of rows) add(batch, row)
  return insert(sql, batch)
}

function emptyBatch(): Batch {
  const columns = { tokenIds: '', instants: '', addresses: '', methods: '' }
  const more = { endpoints: '', statuses: '', authorized: '', reasons: '' }
  return { rows: 0, ...columns, ...more, written: Promise.withResolvers() }
}

function add(batch: Batch, row: AuditRow): void {
  batch.rows++
  batch.tokenIds += `${row.token_id}\n`
  batch.instants += `${row.at}\n`
  batch.addresses += `${row.ip ?? ''}\n`
  batch.methods += line(row.method)
  batch.endpoints += line(row.endpoint)
  batch.statuses += `${row.status_code}\n`
  batch.authorized += `${row.authorized}\n`
  batch.reasons += line(row.reason ?? '')
}

// A line break in a value would move all values behind it into other rows.
const line = (text: string) => `${text.replaceAll('\n', ' ')}\n`

/**
 * Writes the rows, and with them the count of uses of each token and its last one: one statement, so that they agree.
 * Everybody locks the counts in the same order, so that nobody waits in a circle.
 */
async function insert(sql: ISql, batch: Batch): Promise<void> {
  const shard = Math.floor(Math.random() * SHARDS)
  const lines = (text: string) => text.slice(0, -1)
  await sql`
    with row as materialized (
      select token_id, to_timestamp(at / 1000) as at, ip, method, endpoint, status_code, authorized, reason
      from unnest(
        string_to_array(${lines(batch.tokenIds)}, chr(10))::uuid[],
        string_to_array(${lines(batch.instants)}, chr(10))::float8[],
        string_to_array(${lines(batch.addresses)}, chr(10), '')::inet[],
        string_to_array(${lines(batch.methods)}, chr(10)),
        string_to_array(${lines(batch.endpoints)}, chr(10)),
        string_to_array(${lines(batch.statuses)}, chr(10))::smallint[],
        string_to_array(${lines(batch.authorized)}, chr(10))::boolean[],
        string_to_array(${lines(batch.reasons)}, chr(10), '')
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
