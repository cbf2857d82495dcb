import { afterAll, afterEach, beforeAll, beforeEach } from 'bun:test'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { createLog } from '../../src/log.ts'
import { keepRetention } from '../../src/retention/retention.ts'
import { localStorage } from '../../src/storage/local.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { partitionOf } from './months.ts'

export const DAYS = 60

/** The first of a month so many months ago, as `2026-01-01`. */
export const monthsAgo = (months: number) => {
  const now = new Date()
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1))
  return first.toISOString().slice(0, 10)
}

/** A line of what a pass logs. */
type Line = {
  time: string
  level: string
  event: string
  month?: string
  file: string
  rows?: number
  sizeBytes: number
  sha256: string
  error?: string
}

type Options = Parameters<typeof keepRetention>[0]

/** An app of the file's own, and for each test a token to use in any month and a folder for exports. */
export function retention() {
  let app: TestApp
  let user: User
  let token: Token
  let folder: string
  let storage: Storage
  beforeAll(async () => {
    app = await testApp()
    user = await app.user()
  })
  afterAll(() => app.close())
  beforeEach(async () => {
    token = await app.token(user, ['users:read'])
    folder = await mkdtemp(join(tmpdir(), 'pat-exports-'))
    storage = await localStorage(folder)
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  /** Begins with the first pass at once; what it logs. */
  const start = (options: Partial<Options> = {}) => {
    const lines: Line[] = []
    const log = createLog('info', (line) => lines.push(JSON.parse(line)))
    return { lines, ...keepRetention({ sql: app.pool, storage, days: DAYS, log, ...options }) }
  }

  return {
    get app() {
      return app
    },
    get user() {
      return user
    },
    get token() {
      return token
    },
    get folder() {
      return folder
    },
    get storage() {
      return storage
    },
    start,

    /** One pass over the log; what it has logged. */
    async pass(options: Partial<Options> = {}) {
      const { lines, first, stop } = start(options)
      await first
      await stop()
      return lines
    },

    makeMonth: (month: string) => app.sql`select audit_log_add_month(${month}::text::date)`,

    exists: async (month: string) =>
      (await app.sql`select from pg_inherits where inhrelid = to_regclass(${partitionOf(month)})`)
        .length === 1,

    /** Uses of the token in that month, a minute apart, by the statement that writes them; every third refused. */
    use: (month: string, count: number, endpoint = '/uses') =>
      app.sql`
        with row as materialized (
          select ${month}::timestamp at time zone 'UTC' + i * interval '1 minute' as at, i % 3 > 0 as allowed, i
          from generate_series(1, ${count}::int) as i
        ), written as (
          insert into audit_log (token_id, at, ip, method, endpoint, status_code, authorized, reason)
          select ${token.id}, at, '192.0.2.7', 'GET', ${endpoint} || '/' || i, 200, allowed,
            case when not allowed then 'a "reason"' end
          from row
        )
        insert into token_uses (token_id, month, shard, authorized, refused, last_at, last_ip)
        select ${token.id}, ${month}::text::date, 3, count(*) filter (where allowed),
          count(*) filter (where not allowed), max(at) filter (where allowed), '192.0.2.7'
        from row`,

    /** One more row of the token in a month. */
    useLate: (month: string, sql: Pick<TestApp['sql'], 'unsafe'> = app.sql) =>
      sql.unsafe(
        `insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
         values ($1, $2::timestamp at time zone 'UTC', 'GET', '/late', 200, true)`,
        [token.id, month],
      ),

    /** How many of the app's connections wait for a lock in a statement that names this. */
    async waiting(name: string): Promise<number> {
      const rows = await app.sql`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like ${`%${name}%`}`
      return rows.length
    },

    /** What the owner sees of the token's uses. */
    log: async () => {
      const path = `/api/v1/tokens/${token.id}/logs?limit=1000`
      return (await app.call('GET', path, { bearer: user.jwt })).body.data
    },

    /** The rows in an export. */
    rowsIn: async (file = '') => rowsOf(await readFile(join(folder, file))),

    /** While `work` is done, somebody reads the log, as a backup does. */
    whileRead: (work: () => Promise<void>) =>
      app.sql.begin(async (backup) => {
        await backup`select count(*) from audit_log`
        await work()
      }),
  }
}

/** The rows in the bytes of an export. */
export const rowsOf = (bytes: Uint8Array<ArrayBuffer>) =>
  gunzipSync(bytes)
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
