import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import postgres from 'postgres'
import { createLog } from '../../src/log.ts'
import { keepRetention } from '../../src/retention/retention.ts'
import { localStorage } from '../../src/storage/local.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, service } from '../kit/service.ts'

const DAYS = 60

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
afterEach(() => rm(folder, { recursive: true }))

/** The first of a month so many months ago, as `2026-01-01`. */
const monthsAgo = (months: number) => {
  const now = new Date()
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1))
  return first.toISOString().slice(0, 10)
}
const partitionOf = (month: string) => `audit_log_${month.slice(0, 7).replace('-', '_')}`
const exists = async (month: string) =>
  (await app.sql`select from pg_inherits where inhrelid = to_regclass(${partitionOf(month)})`)
    .length === 1
const makeMonth = (month: string) => app.sql`select audit_log_add_month(${month}::text::date)`

/** Uses of the token in that month, a minute apart, by the statement that writes them; every third refused. */
const use = (month: string, count: number, endpoint = '/uses') =>
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
    from row`

/** One pass over the log; what it has logged. */
async function pass(options: { days?: number; storage?: Storage } = {}) {
  const lines: string[] = []
  const log = createLog('info', (line) => lines.push(line))
  const kept = keepRetention({ sql: app.pool, storage, days: DAYS, log, ...options })
  await kept.first
  await kept.stop()
  return lines.map((line) => JSON.parse(line))
}
const log = async () => {
  const path = `/api/v1/tokens/${token.id}/logs?limit=1000`
  return (await app.call('GET', path, { bearer: user.jwt })).body.data
}
const read = async (file: string) => {
  const text = gunzipSync(await readFile(join(folder, file))).toString()
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

test('a month whose time is over goes from the log into a file, with its counts, and its neighbours stay', async () => {
  const [old, young] = [monthsAgo(4), monthsAgo(1)]
  for (const month of [old, young]) {
    await makeMonth(month)
    await use(month, 30)
  }
  const before = await log()
  expect(before.total_logs).toBe(60)
  const lines = await pass()
  expect(lines).toEqual([
    {
      time: expect.any(String),
      level: 'info',
      event: 'audit month retired',
      month: old,
      rows: 30,
      file: expect.stringMatching(/^audit_log_\d{4}-\d\d_[-0-9a-f]{36}\.ndjson\.gz$/),
      sizeBytes: expect.any(Number),
      sha256: expect.any(String),
    },
  ])
  expect([await exists(old), await exists(young)]).toEqual([false, true])
  const after = await log()
  expect(after.total_logs).toBe(30)
  expect(after.logs).toEqual(before.logs.slice(0, 30))

  const [{ file, sizeBytes, sha256 }] = lines
  expect(await readdir(folder)).toEqual([file])
  const bytes = await readFile(join(folder, file))
  expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([
    sizeBytes,
    sha256,
  ])
  const rows = await read(file)
  expect(rows).toHaveLength(30)
  expect(rows[2]).toEqual({
    id: expect.any(Number),
    token_id: token.id,
    at: `${old}T00:03:00.000Z`,
    ip: '192.0.2.7',
    method: 'GET',
    endpoint: '/uses/3',
    status_code: 200,
    authorized: false,
    reason: 'a "reason"',
  })
  const [noted] = await app.sql`
    select month::text, rows::int, sha256, dropped_at is not null as dropped
    from audit_exports where file = ${file}`
  expect(noted).toEqual({ month: old, rows: 30, sha256, dropped: true })
  expect(await pass()).toEqual([])
})

test('when a token was last used outlives the months', async () => {
  const { id, token: bearer } = token
  await makeMonth(monthsAgo(4))
  await makeMonth(monthsAgo(5))
  await use(monthsAgo(5), 5)
  await use(monthsAgo(4), 4)
  const show = async () =>
    (await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })).body.data
  const before = await show()
  expect(before.last_used_at).toBe(`${monthsAgo(4)}T00:04:00.000Z`)
  expect(await pass()).toHaveLength(2)
  expect((await log()).total_logs).toBe(0)
  expect(await show()).toEqual(before)
  expect((await app.call('GET', '/api/v1/users/me', { bearer })).status).toBe(200)
  expect((await log()).total_logs).toBe(1)
})

test('a month of many pages is exported whole, each row once', async () => {
  const month = monthsAgo(6)
  await makeMonth(month)
  await use(month, 40_000, `/${'x'.repeat(100)}`)
  const [line] = await pass()
  expect(line).toMatchObject({ event: 'audit month retired', rows: 40_000 })
  const rows = await read(line.file)
  expect(new Set(rows.map(({ endpoint }) => endpoint)).size).toBe(40_000)
})

test('rows of a wrong clock, in no month’s partition, go by their age too', async () => {
  await use('2001-02-01', 3)
  await use(monthsAgo(1), 3)
  await use(monthsAgo(-9), 3)
  expect(await pass()).toMatchObject([{ month: '2001-02-01', rows: 3 }])
  expect((await log()).total_logs).toBe(6)
  expect((await log()).logs).toHaveLength(6)
})

test('who reads the log for long, as a backup does, delays the drop and no use; its export is made once', async () => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  await app.sql.begin(async (backup) => {
    await backup`select count(*) from audit_log`
    const passing = pass()
    for (let i = 0; i < 20; i++) {
      const { status } = await app.call('GET', '/api/v1/users/me', { bearer: token.token })
      expect(status).toBe(200)
    }
    const lock = 'PostgresError: canceling statement due to lock timeout'
    expect(await passing).toMatchObject([
      { level: 'warn', event: 'audit month not retired', month, error: lock },
    ])
    expect((await log()).total_logs).toBe(23)
  })
  const files = await readdir(folder)
  expect(await pass()).toMatchObject([{ event: 'audit month retired', month, file: files[0] }])
  expect(await readdir(folder)).toEqual(files)
})

test('an export that was broken off is made anew, and what there was of it goes', async () => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  await writeFile(join(folder, 'broken-off'), 'half of it')
  await app.sql`insert into audit_exports (file, month) values ('broken-off', ${month}::text::date)`
  const [{ file, rows }] = await pass()
  expect(rows).toBe(3)
  expect(await readdir(folder)).toEqual([file])
})

test.each([
  ['is gone', (path: string) => rm(path)],
  ['was changed', (path: string) => writeFile(path, 'something else')],
])('a month whose export %s stays until another one is whole', async (_, damage) => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  await app.sql.begin(async (backup) => {
    await backup`select count(*) from audit_log`
    await pass()
  })
  const [first = ''] = await readdir(folder)
  await damage(join(folder, first))
  expect(await pass()).toMatchObject([{ level: 'warn', event: 'audit month not retired' }])
  expect(await exists(month)).toBe(true)
  expect(await pass()).toMatchObject([{ event: 'audit month retired', rows: 3 }])
  expect(await readdir(folder)).not.toContain(first)
})

test('a month that got rows after its export is exported again before it goes', async () => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  await app.sql.begin(async (backup) => {
    await backup`select count(*) from audit_log`
    await pass()
  })
  await app.sql`
    insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
    values (${token.id}, ${month}::timestamp at time zone 'UTC', 'GET', '/late', 200, true)`
  expect(await pass()).toMatchObject([{ level: 'warn', event: 'audit month not retired' }])
  const [{ file, rows }] = await pass()
  expect(rows).toBe(4)
  expect((await read(file)).map(({ endpoint }) => endpoint)).toContain('/late')
})

test('where the storage fails the month stays, and nothing of the export', async () => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  await rm(folder, { recursive: true })
  expect(await pass()).toMatchObject([{ level: 'warn', event: 'audit month not retired', month }])
  expect((await log()).total_logs).toBe(3)
  storage = await localStorage(folder)
  expect(await pass()).toMatchObject([{ event: 'audit month retired', rows: 3 }])
})

test('of two instances one does the work', async () => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  const lines = (await Promise.all([pass(), pass(), pass()])).flat()
  expect(lines).toMatchObject([{ event: 'audit month retired', rows: 3 }])
})

test('security 30: the role of the service drops no month that is younger than 30 days, whatever it says of it', async () => {
  const month = monthsAgo(1)
  await makeMonth(month)
  const present = monthsAgo(0)
  const invalid = '22023'
  const code = (statement: string, ...values: (string | number | null)[]) =>
    app.pool.unsafe(statement, values).then(
      () => 'done',
      (error) => error.code,
    )
  for (const days of [29, 0, -1, -100_000, null]) {
    expect([days, await code('select audit_log_expired_months($1)', days)]).toEqual([days, invalid])
    await code(
      'insert into audit_exports (file, month, rows) values ($1, $2, 0)',
      'forged',
      present,
    )
    expect([days, await code("select audit_log_drop_month('forged', $1)", days)]).toEqual([
      days,
      invalid,
    ])
  }
  expect(await code("select audit_log_drop_month('forged', 30)")).toBe(invalid)
  // Printed as a partition is named, years of either era are the same.
  for (const disguised of [`${present} BC`, '-infinity', `${present.slice(0, 8)}02`]) {
    const forged = 'update audit_exports set month = $1::text::date'
    expect(await code(forged, disguised)).toBe('23514')
  }
  expect(await code('drop table audit_log_default')).toBe('42501')
  expect([await exists(month), await exists(present)]).toEqual([true, true])
  await app.sql`delete from audit_exports where file = 'forged'`
})

test('the program retires what is past its time, goes on after a kill between export and drop, and by default keeps everything', async () => {
  const database = await createDatabase()
  const made = folders()
  const sql = postgres(database.url, { max: 2 })
  const month = monthsAgo(3)
  await sql`select audit_log_add_month(${month}::text::date)`
  await sql`
    insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
    values (gen_random_uuid(), ${month}::timestamp at time zone 'UTC', 'GET', '/', 200, true)`
  const place = await made.create()
  const exports = () => readdir(join(place, 'data/audit'))

  const keeping = await service(place, { DATABASE_URL: database.url })
  await keeping.end()
  expect(await exports()).toEqual([])

  const env = { DATABASE_URL: database.url, AUDIT_RETENTION_DAYS: '30' }
  await sql.begin(async (backup) => {
    await backup`select count(*) from audit_log`
    const killed = await service(place, env)
    await killed.logged('audit month not retired')
    killed.signal('SIGKILL')
    await killed.closed
  })
  const files = await exports()
  expect(files).toHaveLength(1)
  const running = await service(place, env)
  expect(await running.logged('audit month retired')).toMatchObject({ rows: 1, file: files[0] })
  expect(await exports()).toEqual(files)
  expect(await running.end()).toBe(0)
  await sql.end()
  await database.drop()
  await made.remove()
})
