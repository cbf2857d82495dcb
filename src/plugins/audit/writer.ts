import type { Sql } from 'postgres'

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
        await insert(
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
function insert(sql: Sql, rows: AuditRow[]) {
  const shard = Math.floor(Math.random() * SHARDS)
  // A line a row and a text a column cost PostgreSQL and us less than arrays, and much less than JSON.
  return sql`
    with row as materialized (
      select token_id, to_timestamp(at / 1000) as at, ip, method, endpoint, status_code, authorized, reason
      from unnest(
        string_to_array(${lines(rows, (row) => row.token_id)}, chr(10))::uuid[],
        string_to_array(${lines(rows, (row) => String(row.at))}, chr(10))::float8[],
        string_to_array(${lines(rows, (row) => row.ip ?? '')}, chr(10), '')::inet[],
        string_to_array(${lines(rows, (row) => row.method)}, chr(10)),
        string_to_array(${lines(rows, (row) => row.endpoint)}, chr(10)),
        string_to_array(${lines(rows, (row) => String(row.status_code))}, chr(10))::smallint[],
        string_to_array(${lines(rows, (row) => String(row.authorized))}, chr(10))::boolean[],
        string_to_array(${lines(rows, (row) => row.reason ?? '')}, chr(10), '')
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

/** A column. A line break in a value would move all values behind it into other rows. */
function lines(rows: AuditRow[], column: (row: AuditRow) => string): string {
  return rows.map((row) => column(row).replaceAll('\n', ' ')).join('\n')
}
