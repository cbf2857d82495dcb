import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const regenerate = (id: string, json?: unknown, bearer = user.jwt) =>
  app.call('POST', `/api/v1/tokens/${id}/regenerate`, {
    bearer,
    ...(json !== undefined && { json }),
  })
const me = (bearer: string) => app.call('GET', '/api/v1/users/me', { bearer })

test('a regenerated token keeps id, name, scopes, list and log, and is shown whole once more', async () => {
  const more = { name: 'robot', allowed_ips: ['127.0.0.0/8'] }
  const { id, token } = await app.token(user, ['users:read'], more)
  await me(token)
  const before = await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  const { status, body, headers } = await regenerate(id)
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('no-store')
  const { status: _, is_revoked, last_used_at, last_used_ip, ...kept } = before.body.data
  expect(body.data).toEqual({
    ...kept,
    token: expect.stringMatching(/^pat_[0-9A-Za-z]{36}$/),
    token_prefix: body.data.token.slice(0, 12),
  })
  expect(body.data.token).not.toBe(token)
  await me(body.data.token)
  await me(token)
  const log = await app.call('GET', `/api/v1/tokens/${id}/logs`, { bearer: user.jwt })
  expect(log.body.data.logs.map((row: { status_code: number }) => row.status_code)).toEqual([
    401, 200, 200,
  ])
})

test('security 11: twenty regenerations at once leave exactly one current token', async () => {
  const { id, token } = await app.token(user, ['users:read'])
  const answers = await Promise.all(Array.from({ length: 20 }, () => regenerate(id)))
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const tokens = [token, ...answers.map(({ body }) => body.data.token)]
  expect(new Set(tokens).size).toBe(21)
  const statuses = await Promise.all(tokens.map(async (one) => (await me(one)).status))
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect(statuses.filter((status) => status === 401)).toHaveLength(20)
})

test('security 11: regenerations and a revocation at once leave none', async () => {
  const { id } = await app.token(user, ['users:read'])
  const [revoked, ...answers] = await Promise.all([
    app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt }),
    ...Array.from({ length: 10 }, () => regenerate(id)),
  ])
  expect(revoked.status).toBe(200)
  for (const { status, body } of answers) {
    expect([200, 409]).toContain(status)
    if (status === 200) expect((await me(body.data.token)).body.message).toBe('Token revoked')
  }
})

test('security 11: a revoked token is 409, also with a new expiry, and stays revoked', async () => {
  const { id, token } = await app.token(user, ['users:read'])
  await app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  for (const json of [undefined, { expires_in_days: 30 }]) {
    const { status, body } = await regenerate(id, json)
    expect([status, body.error]).toEqual([409, 'Conflict'])
  }
  expect((await me(token)).body.message).toBe('Token revoked')
})

test('security 11: a foreign token is 404 and goes on working', async () => {
  const { id, token } = await app.token(user, ['users:read'])
  const other = await app.user()
  expect((await regenerate(id, { expires_in_days: 1 }, other.jwt)).status).toBe(404)
  expect((await me(token)).status).toBe(200)
})

test.each<[unknown]>([
  [{ expires_in_days: 0 }],
  [{ expires_in_days: 366 }],
  [{ expires_in_days: null }],
  [{ grace_seconds: -1 }],
  [{ grace_seconds: 86_401 }],
  [{ grace_seconds: 0.5 }],
  [{ grace_seconds: '60' }],
  [{ scopes: ['workspaces:admin'] }],
  [[]],
  ['text'],
])('%j is 422, and the token stays as it is', async (json) => {
  const { id, token } = await app.token(user, ['users:read'])
  expect((await regenerate(id, json)).status).toBe(422)
  expect((await me(token)).status).toBe(200)
})

test.each<[unknown, number]>([
  [undefined, 30],
  [{}, 30],
  [null, 30],
  [{ expires_in_days: 365, grace_seconds: 86_400 }, 365],
])('the body %j is good for %i days', async (json, days) => {
  const { id } = await app.token(user, ['users:read'])
  const { status, body } = await regenerate(id, json)
  expect(status).toBe(200)
  const left = (Date.parse(body.data.expires_at) - Date.now()) / 86_400_000
  expect(Math.round(left)).toBe(days)
})
