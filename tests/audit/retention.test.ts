// Months of the audit log that are past their time go, each into a file.
import { expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { client } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, service, until } from '../kit/service.ts'
import { DAYS, monthsAgo, retention } from './retention-kit.ts'

const at = retention()
const { pass, makeMonth, exists, use, useLate, log, rowsIn, whileRead } = at

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

  const { file, sizeBytes, sha256 } = lines[0] ?? expect.unreachable()
  expect(await readdir(at.folder)).toEqual([file])
  const bytes = await readFile(join(at.folder, file))
  const hash = createHash('sha256').update(bytes).digest('hex')
  expect({ sizeBytes: bytes.length, sha256: hash }).toEqual({ sizeBytes, sha256 })
  const rows = await rowsIn(file)
  expect(rows).toHaveLength(30)
  expect(rows[2]).toEqual({
    id: expect.any(Number),
    token_id: at.token.id,
    at: `${old}T00:03:00.000Z`,
    ip: '192.0.2.7',
    method: 'GET',
    endpoint: '/uses/3',
    status_code: 200,
    authorized: false,
    reason: 'a "reason"',
  })
  const [noted] = await at.app.sql`
    select month::text, rows::int, sha256, dropped_at is not null as dropped
    from audit_exports where file = ${file}`
  expect(noted).toEqual({ month: old, rows: 30, sha256, dropped: true })
  expect(await pass()).toEqual([])
})

test('a month stays whole until its last day is past its time', async () => {
  const month = monthsAgo(3)
  await makeMonth(month)
  await use(month, 3)
  const days = Math.floor((Date.now() - Date.parse(monthsAgo(2))) / 86_400_000)
  expect(await pass({ days: days + 1 })).toEqual([])
  expect((await log()).total_logs).toBe(3)
  expect(await pass({ days })).toMatchObject([{ event: 'audit month retired', month, rows: 3 }])
})

test('when a token was last used outlives the months, and no more of its counts than that', async () => {
  const { id, token: bearer } = at.token
  await makeMonth(monthsAgo(4))
  await makeMonth(monthsAgo(5))
  await use(monthsAgo(5), 5)
  await use(monthsAgo(4), 4)
  const show = async () =>
    (await at.app.call('GET', `/api/v1/tokens/${id}`, { bearer: at.user.jwt })).body.data
  const before = await show()
  expect(before.last_used_at).toBe(`${monthsAgo(4)}T00:04:00.000Z`)
  expect(await pass()).toHaveLength(2)
  expect((await log()).total_logs).toBe(0)
  expect(await show()).toEqual(before)
  const counts = await at.app.sql`
    select month::text, authorized::int, refused::int from token_uses where token_id = ${id}`
  expect([...counts]).toEqual([{ month: monthsAgo(4), authorized: 0, refused: 0 }])
  expect((await at.app.call('GET', '/api/v1/users/me', { bearer })).status).toBe(200)
  expect((await log()).total_logs).toBe(1)
})

test('a month of many pages is exported whole, each row once', async () => {
  const month = monthsAgo(6)
  await makeMonth(month)
  await use(month, 40_000, `/${'x'.repeat(100)}`)
  const [line] = await pass()
  expect(line).toMatchObject({ event: 'audit month retired', rows: 40_000 })
  const rows = await rowsIn(line?.file)
  expect(new Set(rows.map(({ endpoint }) => endpoint)).size).toBe(40_000)
})

test('rows of a wrong clock, in no month’s partition, go by their age too; those of before 1970 stay', async () => {
  await use('1969-12-01', 3)
  await use('2001-02-01', 3)
  await use(monthsAgo(1), 3)
  await use(monthsAgo(-9), 3)
  expect(await pass()).toMatchObject([{ month: '2001-02-01', rows: 3 }])
  expect((await log()).total_logs).toBe(9)
  expect((await log()).logs).toHaveLength(9)
})

test('instances that look for such rows at once all find their month', async () => {
  await use('2002-03-01', 3)
  const find = () => at.app.pool`select month::text from audit_log_expired_months(${DAYS})`
  let found: ReturnType<typeof find>[] = []
  await at.app.sql.begin(async (tx) => {
    await tx`lock table only audit_log in share update exclusive mode`
    found = Array.from({ length: 4 }, () => find().execute())
    await until(async () => (await at.waiting('audit_log_expired_months')) === 4)
  })
  const months = (await Promise.all(found)).map((rows) => rows.map(({ month }) => month))
  expect(months).toEqual(Array(4).fill(['2002-03-01']))
  expect(await pass()).toMatchObject([{ month: '2002-03-01', rows: 3 }])
})

test('who reads the log for long, as a backup does, delays the drop and no use; its export is made once', async () => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  await whileRead(async () => {
    const passing = pass()
    for (let i = 0; i < 20; i++) {
      const { status } = await at.app.call('GET', '/api/v1/users/me', { bearer: at.token.token })
      expect(status).toBe(200)
    }
    const lock = 'PostgresError: canceling statement due to lock timeout'
    expect(await passing).toMatchObject([
      { level: 'warn', event: 'audit month not retired', month, error: lock },
    ])
    expect((await log()).total_logs).toBe(23)
  })
  const files = await readdir(at.folder)
  expect(await pass()).toMatchObject([{ event: 'audit month retired', month, file: files[0] }])
  expect(await readdir(at.folder)).toEqual(files)
})

test('who reads it for long delays the move of such rows, and no use', async () => {
  await use('2003-04-01', 3)
  await whileRead(async () => {
    const passing = pass()
    const { status } = await at.app.call('GET', '/api/v1/users/me', { bearer: at.token.token })
    expect(status).toBe(200)
    const lock = 'PostgresError: canceling statement due to lock timeout'
    expect(await passing).toMatchObject([{ event: 'audit log not retired', error: lock }])
  })
  expect(await pass()).toMatchObject([{ month: '2003-04-01', rows: 3 }])
})

test('of two instances one does the work', async () => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  const lines = (await Promise.all([pass(), pass(), pass()])).flat()
  expect(lines).toMatchObject([{ event: 'audit month retired', rows: 3 }])
})

test('the program retires what is past its time, goes on after a kill between export and drop, and by default keeps everything', async () => {
  const database = await createDatabase()
  const made = folders()
  const sql = postgres(database.url, { max: 2 })
  const month = monthsAgo(3)
  await sql`select audit_log_add_month(${month}::text::date)`
  await useLate(month, sql)
  const place = await made.create()
  const exports = () => readdir(join(place, 'data/audit'))

  const keeping = await service(place, { DATABASE_URL: database.url })
  // Longer than a pass takes.
  for (let i = 0; i < 30; i++) await client(keeping.url)('GET', '/ready')
  await keeping.end()
  expect(await exports()).toEqual([])
  expect(await sql`select from audit_exports`).toBeEmpty()
  expect(keeping.lines.filter(({ level }) => level === 'warn')).toEqual([])

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
