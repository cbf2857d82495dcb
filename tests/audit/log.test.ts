import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let token: Token

const ME = '/api/v1/users/me'
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute))

/** Ten calls, a minute apart: the even ones are allowed, the odd ones refused by scope. */
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['users:read'])
  for (let i = 0; i < 10; i++) {
    const from = `192.0.2.${i}`
    await app.call(i % 2 === 0 ? 'GET' : 'PUT', `${ME}?secret=1`, { bearer: token.token, from })
  }
  const rows = await app.sql`select id from audit_log where token_id = ${token.id} order by id`
  for (const [i, { id }] of rows.entries())
    await app.sql`update audit_log set at = ${at(i)} where id = ${id}`
})
afterAll(() => app.close())

type Log = { timestamp: string; ip: string }
const logs = (query = '') =>
  app.call('GET', `/api/v1/tokens/${token.id}/logs${query}`, { bearer: user.jwt })
const hosts = (rows: Log[]) => rows.map(({ ip }) => Number(ip.split('.')[3]))

test('the log of a token is every use of it, newest first, without a query string', async () => {
  const { status, body } = await logs()
  expect(status).toBe(200)
  const { logs: rows, ...rest } = body.data
  expect(rest).toEqual({
    token_id: token.id,
    token_name: 'a token',
    total_logs: 10,
    limit: 50,
    offset: 0,
    next_cursor: null,
  })
  expect(hosts(rows)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  expect(rows.slice(0, 2)).toEqual([
    {
      timestamp: at(9).toISOString(),
      ip: '192.0.2.9',
      method: 'PUT',
      endpoint: ME,
      status_code: 403,
      authorized: false,
      reason: 'Insufficient scope',
    },
    {
      timestamp: at(8).toISOString(),
      ip: '192.0.2.8',
      method: 'GET',
      endpoint: ME,
      status_code: 200,
      authorized: true,
    },
  ])
})

test.each([
  ['?limit=3', 10, [9, 8, 7]],
  ['?limit=3&offset=8', 10, [1, 0]],
  ['?offset=10', 10, []],
  ['?authorized=true', 5, [8, 6, 4, 2, 0]],
  ['?authorized=false&limit=2', 5, [9, 7]],
  [`?from=${at(7).toISOString()}`, 3, [9, 8, 7]],
  [`?to=${at(2).toISOString()}`, 2, [1, 0]],
  [`?from=${at(3).toISOString()}&to=${at(6).toISOString()}&authorized=true`, 1, [4]],
  ['?from=2026-01-01T02:07:00%2B02:00', 3, [9, 8, 7]],
  [`?from=${at(6).toISOString()}&to=${at(3).toISOString()}`, 0, []],
  ['?from=9999-12-31T23:59:59Z', 0, []],
])('the log by %s counts %i and shows %j', async (query, total, expected) => {
  const { status, body } = await logs(query)
  expect(status).toBe(200)
  expect([body.data.total_logs, hosts(body.data.logs)]).toEqual([total, expected])
})

test('pages by cursor show each use once, also when more come meanwhile', async () => {
  const seen: number[] = []
  let cursor: string | null = null
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`
    const { body } = await logs(`?limit=3&to=2026-01-02T00:00:00Z${query}`)
    seen.push(...hosts(body.data.logs))
    cursor = body.data.next_cursor
    await app.call('GET', ME, { bearer: token.token })
  } while (cursor !== null)
  expect(seen).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
})

test.each([
  ...['limit=0', 'limit=1001', 'limit=x', 'offset=-1', 'offset=1.5', 'offset=99999999999999'],
  ...['cursor=x', 'cursor=-1', `cursor=${'9'.repeat(40)}`, 'authorized=yes', 'authorized=1'],
  ...['from=yesterday', 'from=2026-01-01', 'to=2026-13-01T00:00:00Z', 'from=2026-01-01T00:00:00'],
  ...['from=0000-01-01T00:00:00Z', 'to=0001-01-01T00:00:00%2B01:00'],
  'from=9999-12-31T23:59:59-01:00',
])('the log by %s is 422', async (query) => {
  const { status, body } = await logs(`?${query}`)
  expect(status).toBe(422)
  expect(body.data.errors.map(({ field }: { field: string }) => field)).toEqual([
    query.split('=')[0],
  ])
})

test('reading the log is no use of the token, and needs its owner’s login', async () => {
  const before = await app.auditOf(token.id)
  await logs()
  expect(await app.auditOf(token.id)).toHaveLength(before.length)
  const path = `/api/v1/tokens/${token.id}/logs`
  const byToken = await app.call('GET', path, { bearer: token.token })
  expect(byToken.status).toBe(401)
  const byOther = await app.call('GET', path, { bearer: (await app.user()).jwt })
  expect(byOther.status).toBe(404)
})

test('a use from an unknown address is in the log without one', async () => {
  const { id, token: bearer } = await app.token(user, ['users:read'])
  await app.call('GET', ME, { bearer, from: null })
  const { body } = await app.call('GET', `/api/v1/tokens/${id}/logs`, { bearer: user.jwt })
  expect(body.data.logs).toMatchObject([{ ip: null, status_code: 200 }])
})
