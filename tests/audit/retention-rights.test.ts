// What the role of the service can do to months of the audit log, and what nobody else can.
import { expect, test } from 'bun:test'
import type { Sql } from 'postgres'
import { DAYS, monthsAgo, retention } from './retention-kit.ts'

const at = retention()
const { pass, makeMonth, exists, use, log } = at

const code = (sql: Sql, statement: string, ...values: (string | number | null)[]) =>
  sql.unsafe(statement, values).then(
    () => 'done',
    (error) => error.code,
  )
const asService = (statement: string, ...values: (string | number | null)[]) =>
  code(at.app.pool, statement, ...values)
const forge = (month: string) =>
  asService('insert into audit_exports (file, month, rows) values ($1, $2, 0)', 'forged', month)
const INVALID = '22023'
const NO_DATA = 'P0002'

test('security 30: the role of the service drops no month that is younger than 30 days, whatever it says of it', async () => {
  const month = monthsAgo(1)
  await makeMonth(month)
  const present = monthsAgo(0)
  await forge(present)
  for (const days of [29, 0, -1, -100_000, null]) {
    expect([days, await asService('select audit_log_expired_months($1)', days)]).toEqual([
      days,
      INVALID,
    ])
    expect([days, await asService("select audit_log_drop_month('forged', $1)", days)]).toEqual([
      days,
      INVALID,
    ])
  }
  expect(await asService("select audit_log_drop_month('forged', 30)")).toBe(INVALID)
  // Printed as a partition is named, years of either era are the same.
  for (const disguised of [`${present} BC`, '-infinity', `${present.slice(0, 8)}02`]) {
    const forged = 'update audit_exports set month = $1::text::date'
    expect(await asService(forged, disguised)).toBe('23514')
  }
  expect(await asService('drop table audit_log_default')).toBe('42501')
  expect([await exists(month), await exists(present)]).toEqual([true, true])
  await at.app.sql`delete from audit_exports where file = 'forged'`
})

test('security 30: nor one whose last days are younger', async () => {
  const month = monthsAgo(3)
  await makeMonth(month)
  const days = Math.floor((Date.now() - Date.parse(monthsAgo(2))) / 86_400_000)
  await forge(month)
  expect(await asService("select audit_log_drop_month('forged', $1)", days + 1)).toBe(INVALID)
  expect(await exists(month)).toBe(true)
  expect(await asService("select audit_log_drop_month('forged', $1)", days)).toBe('done')
  expect(await exists(month)).toBe(false)
})

test('security 30: tables of its own under the names of ours deceive nobody', async () => {
  const present = monthsAgo(0)
  const session = await at.app.pool.reserve()
  await session`create temp table audit_exports as select * from public.audit_exports with no data`
  await session`
    insert into pg_temp.audit_exports (file, month, rows) values ('forged', ${present}::text::date - interval '2000 years', 0)`
  expect(await code(session, `select audit_log_drop_month('forged', ${DAYS})`)).toBe(NO_DATA)
  await session`drop table pg_temp.audit_exports`
  session.release()
  expect(await exists(present)).toBe(true)
})

test('an export is good for one drop: a month of that name that came back stays', async () => {
  const month = monthsAgo(4)
  await makeMonth(month)
  await use(month, 3)
  const [line] = await pass()
  await at.app.sql`delete from token_uses where token_id = ${at.token.id}`
  await makeMonth(month)
  await use(month, 3)
  const drop = 'select audit_log_drop_month($1, $2)'
  expect(await asService(drop, line?.file ?? '', DAYS)).toBe(NO_DATA)
  expect((await log()).total_logs).toBe(3)
})

test('roles that nobody has granted them to call none of the functions of the log', async () => {
  const open = await at.app.sql`
    select proname from pg_proc
    where proname like 'audit_log_%' and has_function_privilege('public', oid, 'execute')`
  expect([...open]).toEqual([])
})
