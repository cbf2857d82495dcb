import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import postgres from 'postgres'
import { keepPartitions } from '../../src/plugins/audit/index.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, service, until } from '../kit/service.ts'
import { partitionOf } from './months.ts'

let app: TestApp
let user: User
let token: Token
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())
beforeEach(async () => {
  token = await app.token(user, ['users:read'])
})

const monthsFromNow = (months: number) => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 15))
}
const THIS = partitionOf(monthsFromNow(0).toISOString())
const NEXT = partitionOf(monthsFromNow(1).toISOString())

const exists = async (partition: string) =>
  (await app.sql`select from pg_inherits where inhrelid = to_regclass(${partition})`).length === 1
const make = () => app.sql`select audit_log_make_partitions()`
const fail = (error: unknown) => {
  throw error
}
/** A use as an instance would write it whose clock says `at`. */
const useAt = (at: Date) => app.sql`
  insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
  values (${token.id}, ${at}, 'GET', '/', 200, true)`
const places = () => app.sql<{ place: string; at: Date }[]>`
  select tableoid::regclass::text as place, at from audit_log where token_id = ${token.id} order by at`
const logged = async () =>
  (await app.call('GET', `/api/v1/tokens/${token.id}/logs`, { bearer: user.jwt })).body.data.logs

test('a use is in the partition of its month', async () => {
  await app.call('GET', '/api/v1/users/me', { bearer: token.token })
  expect((await places()).map(({ place }) => place)).toEqual([THIS])
})

test('uses of a month that has no partition are kept and shown, and move into it when it is made', async () => {
  await app.sql`drop table ${app.sql(NEXT)}`
  await useAt(monthsFromNow(1))
  await useAt(monthsFromNow(2))
  await useAt(monthsFromNow(-50))
  const before = await logged()
  expect(before).toHaveLength(3)
  expect((await places()).map(({ place }) => place)).toEqual(Array(3).fill('audit_log_default'))
  await make()
  expect((await places()).map(({ place }) => place)).toEqual([
    'audit_log_default',
    NEXT,
    'audit_log_default',
  ])
  expect(await logged()).toEqual(before)
})

test('while the service runs, a month that is missing is made', async () => {
  const kept = keepPartitions({ sql: app.pool, everyMs: 5, onError: fail })
  try {
    await kept.made
    await app.sql`drop table ${app.sql(NEXT)}`
    await until(() => exists(NEXT))
  } finally {
    kept.stop()
  }
})

test('the program makes what is missing when it starts', async () => {
  const database = await createDatabase()
  const made = folders()
  const sql = postgres(database.url, { max: 1 })
  await sql`drop table ${sql(THIS)}, ${sql(NEXT)}`
  const running = await service(await made.create(), { DATABASE_URL: database.url })
  const rows = await sql<{ name: string }[]>`
    select inhrelid::regclass::text as name from pg_inherits
    where inhparent = 'audit_log'::regclass order by 1`
  expect(rows.map(({ name }) => name)).toEqual([THIS, NEXT, 'audit_log_default'])
  await running.end()
  await sql.end()
  await database.drop()
  await made.remove()
})

test('instances that make the same month at once all succeed, and uses go on meanwhile', async () => {
  await app.sql`drop table ${app.sql(NEXT)}`
  const made = Array.from({ length: 8 }, () => make())
  const used = Array.from({ length: 50 }, () =>
    app.call('GET', '/api/v1/users/me', { bearer: token.token }),
  )
  await Promise.all([...made, ...used.map(async (use) => expect((await use).status).toBe(200))])
  expect(await exists(NEXT)).toBe(true)
})

test('a reader that stays for long, as a backup does, delays a month and nothing else', async () => {
  await app.sql`drop table ${app.sql(NEXT)}`
  const errors: unknown[] = []
  await app.sql.begin(async (backup) => {
    await backup`select count(*) from audit_log`
    const kept = keepPartitions({ sql: app.pool, onError: (error) => errors.push(error) })
    kept.stop()
    expect((await app.call('GET', '/api/v1/users/me', { bearer: token.token })).status).toBe(200)
    await kept.made
    expect(errors).toMatchObject([{ code: '55P03' }])
    expect(await exists(NEXT)).toBe(false)
    expect(await logged()).toHaveLength(1)
  })
  await make()
  expect(await exists(NEXT)).toBe(true)
})

test('a role that may only add and read rows makes partitions by one function, once that is granted', async () => {
  const role = `clerk_${crypto.randomUUID().replaceAll('-', '')}`
  await app.sql.begin(async (tx) => {
    await tx`create role ${tx(role)}`
    await tx`grant select, insert on audit_log to ${tx(role)}`
    await tx`drop table ${tx(NEXT)}`
    const asRole = (statement: string) =>
      tx
        .savepoint(async (inner) => {
          await inner`set local role ${inner(role)}`
          await inner.unsafe(statement)
          await inner`reset role`
          return 'done'
        })
        .catch((error) => error.code)
    const denied = '42501'
    expect(await asRole('select audit_log_make_partitions()')).toBe(denied)
    await tx`grant execute on function audit_log_make_partitions to ${tx(role)}`
    expect(await asRole('select audit_log_make_partitions()')).toBe('done')
    expect(await asRole("select audit_log_add_month('2020-01-01')")).toBe(denied)
    expect(await asRole('delete from audit_log')).toBe(denied)
    await tx`drop owned by ${tx(role)}`
    await tx`drop role ${tx(role)}`
  })
})

test('a month dropped by hand takes its counts along, and leaves when a token was last used', async () => {
  const { id, token: bearer } = token
  await app.call('GET', '/api/v1/users/me', { bearer, from: '192.0.2.1' })
  await app.call('PUT', '/api/v1/users/me', { bearer })
  const month = new Date().toISOString().slice(0, 7)
  await app.sql.begin(async (tx) => {
    await tx`drop table ${tx(THIS)}`
    await tx`
      update token_uses set authorized = 0, refused = 0 where month = ${`${month}-01`}::text::date`
  })
  const { body } = await app.call('GET', `/api/v1/tokens/${id}/logs`, { bearer: user.jwt })
  expect([body.data.total_logs, body.data.logs]).toEqual([0, []])
  const item = await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  expect(item.body.data.last_used_ip).toBe('192.0.2.1')
})
