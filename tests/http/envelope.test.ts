import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type Answer, type Call, type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let token: Token
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['workspaces:admin', 'users:write'])
})
afterAll(() => app.close())

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const REQUEST_ID = /^[0-9a-f]{16}-[0-9a-z]+$/

function expectCommonHeaders({ headers }: Answer) {
  expect(headers.get('x-request-id')).toMatch(REQUEST_ID)
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('referrer-policy')).toBe('no-referrer')
}

const json = { 'content-type': 'application/json' }
const REFUSED: [number, string, string, string, (() => Call) | Call][] = [
  [400, 'Bad Request', 'POST', '/api/v1/auth/login', { body: '{"username":', headers: json }],
  [401, 'Unauthorized', 'GET', '/api/v1/tokens', {}],
  [403, 'Forbidden', 'GET', '/api/v1/fcs/parameters', () => ({ bearer: token.token })],
  [404, 'Not Found', 'GET', '/nothing', {}],
  [405, 'Method Not Allowed', 'DELETE', '/api/v1/auth/login', {}],
  [409, 'Conflict', 'POST', '/api/v1/auth/register', () => ({ json: registration(user.username) })],
  [413, 'Payload Too Large', 'POST', '/api/v1/auth/login', { body: ' '.repeat(2 ** 20 + 1) }],
  [415, 'Unsupported Media Type', 'POST', '/api/v1/auth/login', { body: 'username=a' }],
  [422, 'Unprocessable Entity', 'POST', '/api/v1/auth/login', { json: {} }],
]

const registration = (username: string) => ({
  username,
  email: `${crypto.randomUUID()}@example.org`,
  password: 'a long enough one',
})

test.each(REFUSED)('a %i is the one envelope: %s', async (status, phrase, method, path, call) => {
  const answer = await app.call(method, path, typeof call === 'function' ? call() : call)
  expect(answer.status).toBe(status)
  const { message, data, ...rest } = answer.body
  expect(rest).toEqual({ success: false, error: phrase })
  if (message !== undefined) expect(message).toBeString()
  if (data !== undefined) expect(data).toBeObject()
  expect(answer.headers.get('content-type')).toStartWith('application/json')
  expectCommonHeaders(answer)
})

test('a success is {success, data}, with times in UTC and ids that are UUIDs', async () => {
  const answer = await app.call('POST', '/api/v1/workspaces', {
    bearer: token.token,
    json: { name: 'lab' },
  })
  expect(answer.status).toBe(201)
  expect(Object.keys(answer.body)).toEqual(['success', 'data'])
  expect(answer.body.data.workspace.id).toMatch(UUID)
  expect(answer.body.data.workspace.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expectCommonHeaders(answer)
})

test('what carried a credential, or asks for one, is never stored by a cache', async () => {
  const { username, password } = user
  for (const [method, path, call] of [
    ['GET', '/api/v1/tokens', { bearer: user.jwt }],
    ['GET', '/api/v1/users/me', { bearer: token.token }],
    ['GET', '/api/v1/users/me', { bearer: 'wrong' }],
    ['GET', '/nothing', { bearer: token.token }],
    ['POST', '/api/v1/auth/login', { json: { username, password } }],
  ] as const) {
    const { headers } = await app.call(method, path, call)
    expect([path, headers.get('cache-control')]).toEqual([path, 'no-store'])
  }
})

test('a well-formed request id is kept and any other replaced', async () => {
  const idFor = async (given: string) => {
    const { headers } = await app.call('GET', '/nothing', { headers: { 'x-request-id': given } })
    return headers.get('x-request-id')
  }
  for (const id of ['0c9c8b7a-client', 'a'.repeat(128)]) expect(await idFor(id)).toBe(id)
  for (const id of ['short', 'a'.repeat(129), '<script>alert(1)', 'two words', '"quoted-id"']) {
    expect(await idFor(id)).toMatch(REQUEST_ID)
  }
})

test('security 19: a failure of ours says its request id and nothing of its cause, which the log keeps', async () => {
  await app.sql`alter table workspaces rename to moved`
  const answer = await app.call('GET', '/api/v1/workspaces', { bearer: token.token })
  await app.sql`alter table moved rename to workspaces`
  const id = answer.headers.get('x-request-id') ?? ''
  expect(id).toMatch(REQUEST_ID)
  expect([answer.status, answer.body]).toEqual([
    500,
    { success: false, error: 'Internal Server Error', message: `Request ${id} failed` },
  ])
  const logged = app.lines.filter((line) => line.includes(id))
  expect(logged).toHaveLength(1)
  expect(JSON.parse(logged[0] ?? '')).toMatchObject({
    level: 'error',
    code: '42P01',
    method: 'GET',
  })
})

test('security 19: a 422 names each field and its rule and repeats no value', async () => {
  const secret = 'hunter2-do-not-repeat'
  const { status, text, body } = await app.call('POST', '/api/v1/auth/register', {
    json: {
      username: `${secret}\n`.repeat(9),
      email: secret,
      password: secret.slice(0, 7),
      [secret]: 1,
    },
  })
  expect(status).toBe(422)
  expect(text).not.toContain('hunter2')
  const fields = body.data.errors.map(({ field }: { field: string }) => field)
  expect([...new Set(fields)].toSorted()).toEqual(['body', 'email', 'password', 'username'])
  for (const { rule } of body.data.errors) expect(rule).not.toBeEmpty()
})

test('a body that breaks a rule sixty times is not answered with sixty errors', async () => {
  const scopes = Array.from({ length: 60 }, () => 'fcs:bogus')
  const { status, body } = await app.call('POST', '/api/v1/tokens', {
    bearer: user.jwt,
    json: { name: 'many', scopes },
  })
  expect(status).toBe(422)
  expect(body.data.errors).toHaveLength(20)
})
