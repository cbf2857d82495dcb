import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { Sql } from 'postgres'
import type { ByteSource } from '../fcs/index.ts'
import type { Staged } from '../storage/storage.ts'

/** A month of the audit log (`2026-01-01`), and how many of PostgreSQL's pages its rows are in. */
export type Month = { month: string; pages: number }

/** What was written of a month; the size and the SHA-256 are of the compressed file. */
export type Written = { rows: number; sizeBytes: number; sha256: string }

/** Of 8 kB each: some 9,000 rows. */
const PAGES_AT_ONCE = 128

const READ_BYTES = 1024 * 1024
const NEWLINE = 10

/**
 * Writes a month as NDJSON, compressed with gzip: an object a row, with the names of the columns. A few pages of the table
 * are read at a time, each by a query of its own: a cursor would hold one snapshot for the whole month, and keep
 * PostgreSQL from cleaning up after all that goes on meanwhile. What is added to the month after its page was read is
 * missing here, and shows in the number of rows.
 */
export async function writeMonth(
  sql: Sql,
  { month, pages }: Month,
  staged: Staged,
  signal: AbortSignal,
): Promise<Written> {
  const hash = createHash('sha256')
  let [rows, sizeBytes] = [0, 0]
  async function* lines() {
    for (let page = 0; page < pages; page += PAGES_AT_ONCE) {
      const read = await readPages(sql, month, page)
      rows += read.rows
      yield read.lines
    }
  }
  const write = async (compressed: AsyncIterable<Uint8Array>) => {
    for await (const chunk of compressed) {
      await staged.write(chunk)
      hash.update(chunk)
      sizeBytes += chunk.length
    }
  }
  await pipeline(lines, createGzip(), write, { signal })
  return { rows, sizeBytes, sha256: hash.digest('hex') }
}

/** Reads a file back, and throws when it is not what was written. */
export async function verify(file: ByteSource, written: Written, signal: AbortSignal) {
  const hash = createHash('sha256')
  let rows = 0
  async function* stored() {
    for (let at = 0; at < file.size; at += READ_BYTES) {
      const chunk = await file.read(at, Math.min(READ_BYTES, file.size - at))
      hash.update(chunk)
      yield chunk
    }
  }
  const count = async (lines: AsyncIterable<Uint8Array>) => {
    for await (const chunk of lines) {
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) rows++
    }
  }
  await pipeline(stored, createGunzip(), count, { signal })
  if (rows !== written.rows || hash.digest('hex') !== written.sha256) {
    throw new Error('the stored export is not what was written')
  }
}

async function readPages(sql: Sql, month: string, from: number) {
  const [read] = await sql<{ rows: number; lines: string }[]>`
    select count(*)::int as rows, coalesce(string_agg(row_to_json(row)::text || chr(10), ''), '') as lines
    from (
      select id, token_id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
        host(ip) as ip, method, endpoint, status_code, authorized, reason
      from audit_log
      where at >= ${month}::timestamp at time zone 'UTC'
        and at < (${month}::timestamp + interval '1 month') at time zone 'UTC'
        and ctid >= ${`(${from},0)`}::text::tid and ctid < ${`(${from + PAGES_AT_ONCE},0)`}::text::tid
    ) as row`
  if (!read) throw new Error('no row')
  return read
}
