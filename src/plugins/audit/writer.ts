import type { ISql, Sql } from 'postgres'

export type AuditRow = {
  token_id: string
  at: Date
  ip: string | null
  method: string
  endpoint: string
  status_code: number
  authorized: boolean
  reason: string | null
}

type Waiting = { row: AuditRow; done: () => void; failed: (error: unknown) => void }

const MAX_WAITING = 10_000

/**
 * A batch counts the uses of a token in one of so many rows, by chance. Instances then rarely wait for each other's; and
 * while a backup's snapshot keeps all former versions of a row, each update walks past a sixteenth of them.
 */
const SHARDS = 16

/**
 * Group commit without a timer: one batch is in flight, and what arrives meanwhile is the next one.
 * `write` resolves when its row is committed. `flush` resolves when nothing waits.
 */
export function auditWriter(sql: Sql) {
  let waiting: Waiting[] = []
  let running: Promise<void> | null = null

  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        await writeRows(
          sql,
          batch.map(({ row }) => row),
        )
        for (const { done } of batch) done()
      } catch (error) {
        for (const { failed } of batch) failed(error)
      }
    }
    running = null
  }

  return {
    write(row: AuditRow): Promise<void> {
      if (waiting.length >= MAX_WAITING) return Promise.reject(new Error('audit queue is full'))
      return new Promise((done, failed) => {
        waiting.push({ row, done, failed })
        running ??= drain()
      })
    },
    flush: async () => void (await running),
  }
}

/**
 * Writes the rows, and with them the count of uses of each token and its last one: one statement, so that they agree.
 * Everybody locks the counts in the same order, so that nobody waits in a circle.
 */
export function writeRows(sql: ISql, rows: readonly AuditRow[]) {
  const shard = Math.floor(Math.random() * SHARDS)
  // An array a column costs PostgreSQL and us less than JSON. The client takes strings as they are only into text[].
  return sql`
    with row as materialized (
      select * from unnest(
        ${rows.map((row) => row.token_id)}::uuid[],
        ${rows.map((row) => row.at.toISOString())}::text[]::timestamptz[],
        ${rows.map((row) => row.ip)}::inet[],
        ${rows.map((row) => row.method)}::text[],
        ${rows.map((row) => row.endpoint)}::text[],
        ${rows.map((row) => String(row.status_code))}::text[]::smallint[],
        ${rows.map((row) => String(row.authorized))}::text[]::boolean[],
        ${rows.map((row) => row.reason)}::text[]
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
