import type { Sql } from 'postgres'

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
 * Group commit without a timer: one batch is in flight, and what arrives meanwhile is the next one.
 * `write` resolves when its row is committed. `flush` resolves when nothing waits.
 */
export function auditWriter(sql: Sql) {
  let waiting: Waiting[] = []
  let running: Promise<void> | null = null

  const insert = (rows: AuditRow[]) => sql`
    with row as (
      select * from jsonb_to_recordset(${sql.json(rows)}) as row (token_id uuid, at timestamptz, ip inet,
        method text, endpoint text, status_code smallint, authorized boolean, reason text)
    ), written as (
      insert into audit_log (token_id, at, ip, method, endpoint, status_code, authorized, reason)
      select * from row
    ), used as (
      select distinct on (token_id) token_id, at, ip from row where authorized order by token_id, at desc
    ), free as (
      -- A token that somebody is changing keeps its old last use: it is a hint, and nothing waits for it.
      select id from tokens where id in (select token_id from used) for no key update skip locked
    )
    update tokens set last_used_at = used.at, last_used_ip = used.ip
    from used, free where tokens.id = used.token_id and tokens.id = free.id`

  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        await insert(batch.map(({ row }) => row))
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
