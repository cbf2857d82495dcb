import type { Sql } from 'postgres'
import { z } from 'zod'
import type { LogEntry } from './answers.ts'

/** A place in a log: the milliseconds and the number of the row that a page ended with. */
export const logCursor = z
  .string()
  .regex(/^\d{1,15}-\d{1,18}$/, 'a cursor that this API gave')
  .transform((text) => {
    const [at = '', id = ''] = text.split('-')
    return { at: new Date(Number(at)), id }
  })

export type LogPage = {
  limit: number
  offset: number
  /** Rows older than this one only. */
  before: z.infer<typeof logCursor> | undefined
  authorized: boolean | undefined
  from: Date | undefined
  to: Date | undefined
}

type Row = Omit<LogEntry, 'reason'> & { id: string; reason: string | null }

/**
 * A page of the uses of a token, newest first, and how many match in all. It reads no more rows than it shows or
 * passes over (`offset`), however long the log: what is allowed and what is refused is each in order in the index,
 * by month, and is merged here. Only the count of a time range reads all that is in the range.
 */
export async function tokenLog(sql: Sql, tokenId: string, wanted: LogPage) {
  const { limit, offset, before, authorized, from, to } = wanted
  const since = from ? sql`and at >= ${from}` : sql``
  const until = to ? sql`and at < ${to}` : sql``
  // One upper bound and not two, for the index is read from either. The first condition on the cursor says no more
  // than the second, but lets whole months be left out.
  const below =
    before && !(to && to <= before.at)
      ? sql`and at <= ${before.at} and (at, id) < (${before.at}, ${before.id})`
      : until
  const kinds = authorized === undefined ? [true, false] : [authorized]
  const [rows, [count]] = await Promise.all([
    sql<Row[]>`
      select use.id::text, at as timestamp, host(ip) as ip, method, endpoint, status_code, use.authorized, reason
      from unnest(${kinds.map(String)}::text[]::boolean[]) as kind (authorized), lateral (
        select * from audit_log
        where token_id = ${tokenId} and audit_log.authorized = kind.authorized ${since} ${below}
        order by at desc, id desc limit ${offset + limit + 1}
      ) as use
      order by at desc, use.id desc limit ${limit + 1} offset ${offset}`,
    from || to
      ? sql<{ total: number }[]>`
          select count(*)::int as total from audit_log
          where token_id = ${tokenId} and authorized = any(${kinds.map(String)}::text[]::boolean[]) ${since} ${until}`
      : sql<{ total: number }[]>`
          select coalesce(sum(
            ${authorized === false ? 0 : sql`authorized`} + ${authorized ? 0 : sql`refused`}
          ), 0)::int as total from token_uses where token_id = ${tokenId}`,
  ])
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const more = rows.length > limit && last
  return {
    total_logs: count?.total ?? 0,
    next_cursor: more ? `${last.timestamp.getTime()}-${last.id}` : null,
    logs: shown.map(({ id, reason, ...entry }) => (reason === null ? entry : { ...entry, reason })),
  }
}
