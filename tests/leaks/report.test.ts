import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { until } from '../kit/service.ts'

const PATH = '/api/v1/credentials/revoke'
let app: TestApp
let user: User

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

let addresses = 0
const newAddress = () => `10.2.0.${++addresses}`
const report = (credentials: unknown, from = newAddress()) =>
  app.call('POST', PATH, { json: { credentials }, from })
const use = async ({ token }: Token) => {
  const { status, body } = await app.call('GET', '/api/v1/tokens/self', { bearer: token })
  return [status, body.message]
}

test('reported tokens are revoked, whoever owns them, and others are left alone', async () => {
  const mine = await app.token(user, ['fcs:read'])
  const theirs = await app.token(await app.user(), ['fcs:read'])
  const kept = await app.token(user, ['fcs:read'])
  const strings = ['nonsense', theirs.token, mine.token, mine.token, `pat_${'0'.repeat(36)}`]
  expect((await report(strings)).status).toBe(202)
  expect(await use(mine)).toEqual([401, 'Token revoked'])
  expect(await use(theirs)).toEqual([401, 'Token revoked'])
  expect((await use(kept))[0]).toBe(200)
})

test('the owner sees in the log that it leaked, and from where it was reported', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  const from = newAddress()
  await report([token, token], from)
  const log = await app.call('GET', `/api/v1/tokens/${id}/logs`, { bearer: user.jwt })
  expect(log.body.data.total_logs).toBe(1)
  expect(log.body.data.logs).toMatchObject([
    {
      method: 'POST',
      endpoint: PATH,
      status_code: 202,
      authorized: false,
      reason: 'leaked',
      ip: from,
    },
  ])
  const item = await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  expect(item.body.data).toMatchObject({ status: 'revoked', last_used_at: null })
  const line = app.lines.find((text) => text.includes('leaked tokens revoked'))
  expect(JSON.parse(line ?? '{}')).toMatchObject({ revoked: 2 })
})

test('security 27: a token that is reported by who presents it in the header too has one row', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  await app.call('POST', PATH, { bearer: token, json: { credentials: [token] } })
  expect(await app.auditOf(id)).toMatchObject([{ status_code: 202, reason: 'leaked' }])
})

test('a live token, a revoked one and none at all are answered alike', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  const answers = [await report([token]), await report([token]), await report(['nonsense'])]
  const seen = answers.map(({ status, text, headers }) => {
    const named = [...headers.keys()].filter((name) => name !== 'x-request-id')
    return [status, text, named]
  })
  expect(seen[0]?.[0]).toBe(202)
  expect(seen[1]).toEqual(seen[0] ?? [])
  expect(seen[2]).toEqual(seen[0] ?? [])
  expect(await app.auditOf(id)).toHaveLength(1)
})

test('a thousand strings are taken at once, and not one more', async () => {
  const tokens = await Promise.all(Array.from({ length: 3 }, () => app.token(user, ['fcs:read'])))
  const others = Array.from({ length: 997 }, (_, at) => `pat_${String(at).padStart(36, '0')}`)
  const all = [...others, ...tokens.map(({ token }) => token)]
  expect((await report([...all, 'one more'])).status).toBe(422)
  for (const token of tokens) expect((await use(token))[0]).toBe(200)
  expect((await report(all)).status).toBe(202)
  for (const token of tokens) expect((await use(token))[0]).toBe(401)
})

test.each([
  ['no list', undefined],
  ['an empty list', []],
  ['a number', [7]],
  ['a string that is too long', ['x'.repeat(1001)]],
])('%s is 422', async (_, credentials) => {
  expect((await report(credentials)).status).toBe(422)
})

test('the same tokens in two reports at once, in any order, are one revocation each', async () => {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => app.token(user, ['fcs:read'])))
  const strings = tokens.map(({ token }) => token)
  const waiting = async () => {
    const [found] = await app.sql<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
    return found?.count === 2
  }
  // Both have begun, and wait for somebody else, before either can end.
  const reports = await app.sql.begin(async (sql) => {
    await sql`select from tokens where id = any(${tokens.map(({ id }) => id)}::uuid[]) for update`
    const sent = Promise.all([report(strings), report([...strings].reverse())])
    await until(waiting)
    return { sent }
  })
  const answers = await reports.sent
  expect(answers.map(({ status }) => status)).toEqual([202, 202])
  for (const { id } of tokens) expect(await app.auditOf(id)).toHaveLength(1)
})

test('ten reports a minute from one address, and the eleventh is 429 and revokes nothing', async () => {
  const token = await app.token(user, ['fcs:read'])
  const from = newAddress()
  const reports = await Promise.all(Array.from({ length: 10 }, () => report(['x'], from)))
  expect(reports.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202))
  const refused = await report([token.token], from)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await use(token))[0]).toBe(200)
  expect((await app.call('GET', '/', { from })).status).toBe(200)
})
