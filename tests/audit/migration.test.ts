import { afterAll, beforeAll, expect, test } from 'bun:test'
import postgres, { type Sql } from 'postgres'
import * as partitions from '../../migrations/006-audit-partitions.ts'
import * as uses from '../../migrations/007-token-uses.ts'
import { createDatabase } from '../kit/postgres.ts'

let database: Awaited<ReturnType<typeof createDatabase>>
let sql: Sql
beforeAll(async () => {
  database = await createDatabase()
  sql = postgres(database.url, { max: 1, onnotice: () => undefined })
})
afterAll(async () => {
  await sql.end()
  await database.drop()
})

const log = async () => [
  ...(await sql`
    select id, token_id, at, host(ip) as ip, method, endpoint, status_code, authorized, reason
    from audit_log order by id`),
]
const insert = () => sql`
  insert into audit_log (token_id, at, ip, method, endpoint, status_code, authorized, reason)
  select '8c0b6d9e-52a7-4f0e-9d3a-1f6f5b7f2c11', '2026-03-30'::timestamptz + i * interval '6 hours',
    ('192.0.2.' || i)::inet, 'GET', '/' || i, 200, i % 3 > 0, case when i % 3 = 0 then 'no' end
  from generate_series(1, 20) as i`

test('a log from before the partitions keeps every row, in its month, is counted, and numbers go on', async () => {
  await uses.down(sql)
  await partitions.down(sql)
  await insert()
  const before = await log()
  expect(before).toHaveLength(20)

  await partitions.up(sql)
  await uses.up(sql)
  expect(await log()).toEqual(before)
  const places = await sql`
    select tableoid::regclass::text as place, count(*)::int as rows from audit_log group by 1 order by 1`
  expect([...places]).toEqual([
    { place: 'audit_log_2026_03', rows: 7 },
    { place: 'audit_log_2026_04', rows: 13 },
  ])
  const counted = await sql`
    select month::text, authorized::int, refused::int, last_at, host(last_ip) as last_ip
    from token_uses order by 1`
  expect([...counted]).toEqual([
    { month: '2026-03-01', authorized: 5, refused: 2, last_at: at(7), last_ip: '192.0.2.7' },
    { month: '2026-04-01', authorized: 9, refused: 4, last_at: at(20), last_ip: '192.0.2.20' },
  ])
  await insert()
  const numbers = (await log()).map(({ id }) => Number(id))
  expect(new Set(numbers).size).toBe(40)
  expect(Math.min(...numbers.slice(20))).toBeGreaterThan(Math.max(...numbers.slice(0, 20)))
})

const at = (use: number) => new Date(Date.UTC(2026, 2, 30, use * 6))

test('going back keeps every row too, and what comes after has a number of its own', async () => {
  const before = await log()
  await uses.down(sql)
  await partitions.down(sql)
  expect(await log()).toEqual(before)
  await insert()
  expect(await log()).toHaveLength(before.length + 20)
})
