import type { Sql } from 'postgres'
import type { LogEntry } from './answers.ts'

export type LogPage = {
  limit: number
  offset: number
  /** Rows older than this one only. */
  beforeId: string | null
  authorized: boolean | undefined
  from: Date | undefined
  to: Date | undefined
}

type Row = Omit<LogEntry, 'reason'> & { id: string; reason: string | null }

/** A page of the uses of a token, newest first, and how many match in all. */
export async function tokenLog(sql: Sql, tokenId: string, wanted: LogPage) {
  const { limit, offset, beforeId, authorized, from, to } = wanted
  const filter = sql`
    token_id = ${tokenId}
    ${authorized === undefined ? sql`` : sql`and authorized = ${authorized}`}
    ${from ? sql`and at >= ${from}` : sql``} ${to ? sql`and at < ${to}` : sql``}`
  const [rows, [count]] = await Promise.all([
    sql<Row[]>`
      select id::text, at as timestamp, host(ip) as ip, method, endpoint, status_code, authorized, reason
      from audit_log where ${filter} ${beforeId === null ? sql`` : sql`and audit_log.id < ${beforeId}`}
      order by audit_log.id desc limit ${limit + 1} offset ${offset}`,
    sql<{ total: number }[]>`select count(*)::int as total from audit_log where ${filter}`,
  ])
  const shown = rows.slice(0, limit)
  return {
    total_logs: count?.total ?? 0,
    next_cursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
    logs: shown.map(({ id, reason, ...entry }) => (reason === null ? entry : { ...entry, reason })),
  }
}
