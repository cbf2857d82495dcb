import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let token: Token
let workspace: string
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['workspaces:admin', 'users:write'])
  const json = { name: 'lab' }
  const created = await app.call('POST', '/api/v1/workspaces', { bearer: token.token, json })
  workspace = created.body.data.workspace.id
})
afterAll(() => app.close())

const HOSTILE: [string, string][] = [
  ['NUL', '"\\u0000abcdefgh"'],
  ['a lone surrogate', '"abcdefgh\\ud800"'],
  ['a megabyte', `"${'a'.repeat(1_000_000)}"`],
  ['10,000 levels', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
  ['200,000 levels', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['a number beyond all', '1e999'],
  ['a __proto__', '{"__proto__":{"is_admin":true}}'],
  ['an array', '[]'],
  ['a boolean', 'true'],
]

// Fields that take any value of their type: what isn't named here is refused for every input above.
const FIELDS: [string, string, string, Record<string, unknown>][] = [
  [
    'POST',
    '/api/v1/auth/register',
    'username',
    { email: 'a@example.org', password: 'long enough' },
  ],
  ['POST', '/api/v1/auth/register', 'email', { username: 'somebody', password: 'long enough' }],
  ['POST', '/api/v1/auth/login', 'username', { password: 'long enough' }],
  ['POST', '/api/v1/auth/login', 'password', { username: 'nobody' }],
  ['POST', '/api/v1/workspaces', 'name', {}],
  ['POST', '/api/v1/workspaces', 'description', { name: 'a' }],
  ['PUT', '/api/v1/users/me', 'email', {}],
  ['PUT', '/api/v1/users/me', 'display_name', {}],
]
const CASES = FIELDS.flatMap(([method, path, field, others]) =>
  HOSTILE.map(([what, value]): [string, string, string, string, string] => {
    const rest = JSON.stringify(others).slice(1, -1)
    return [what, method, path, field, `{"${field}":${value}${rest && `,${rest}`}}`]
  }),
)
const json = { 'content-type': 'application/json' }

test.each(CASES)(
  'security 18: %s in %s %s %s is refused quickly',
  async (_, method, path, _field, body) => {
    const started = performance.now()
    const answer = await app.call(method, path, { body, headers: json, bearer: token.token })
    expect(answer.status).toBeOneOf([400, 401, 422])
    expect(answer.text.length).toBeLessThan(2000)
    // Elysia would print the body, indented: ten seconds for the deepest.
    expect(performance.now() - started).toBeLessThan(1000)
  },
)

const HOSTILE_BODIES: [string, string | Uint8Array<ArrayBuffer>][] = [
  ['nothing', ''],
  ['null', 'null'],
  ['text', '"text"'],
  ['a number', '7'],
  ['an array', '[{"name":"a"}]'],
  ['broken UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['UTF-16', new Uint8Array([0x7b, 0, 0x7d, 0])],
  ['a __proto__', '{"__proto__":{"name":"a"}}'],
  ['a constructor', '{"name":"a","constructor":{"prototype":{}}}'],
  ['60,000 fields', `{${Array.from({ length: 60_000 }, (_, i) => `"f${i}":1`).join()}}`],
  ['a trailing comma', '{"name":"a",}'],
  ['two values', '{"name":"a"}{"name":"b"}'],
]
const ROUTES = ['/api/v1/auth/register', '/api/v1/auth/login', '/api/v1/workspaces']

test.each(HOSTILE_BODIES)(
  'security 18: a body of %s is refused with 400 or 422',
  async (_, body) => {
    for (const path of ROUTES) {
      const answer = await app.call('POST', path, { body, headers: json, bearer: token.token })
      expect(answer.status).toBeOneOf([400, 422])
      expect(answer.text.length).toBeLessThan(5000)
    }
  },
)

test('security 18: broken UTF-8 is refused, not mended', async () => {
  const body = new Uint8Array([...new TextEncoder().encode('{"name":"a'), 0xff, 0x22, 0x7d])
  const call = { body, headers: json, bearer: token.token }
  expect((await app.call('POST', '/api/v1/workspaces', call)).status).toBe(400)
})

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json-patch+json',
  'application/jsonx',
  '',
])('a body of content type "%s" is 415', async (type) => {
  const call = { body: '{"name":"a"}', headers: { 'content-type': type }, bearer: token.token }
  expect((await app.call('POST', '/api/v1/workspaces', call)).status).toBe(415)
})

test('application/json counts in any case and with parameters', async () => {
  const headers = { 'content-type': 'Application/JSON ; charset=UTF-8' }
  const call = { body: '{"name":"typed"}', headers, bearer: token.token }
  expect((await app.call('POST', '/api/v1/workspaces', call)).status).toBe(201)
})

test.each([
  'limit=0',
  'limit=201',
  'limit=1e2',
  'limit=-1',
  'limit=',
  'limit=10%00',
  'limit=99999999999999999999',
  'limit=1&limit=x',
  'cursor=x',
  'cursor=',
  'cursor=%00',
  `cursor=${'A'.repeat(201)}`,
  `cursor=${Buffer.from('[1,2]').toString('base64url')}`,
  ...['0000-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-01-01T00:00:60Z', 'now'].map(
    (at) =>
      `cursor=${Buffer.from(JSON.stringify([at, crypto.randomUUID()])).toString('base64url')}`,
  ),
])('security 18: the query %s is 422', async (query) => {
  const answer = await app.call('GET', `/api/v1/workspaces?${query}`, { bearer: token.token })
  expect(answer.status).toBe(422)
})

test('security 18: nothing hostile in a path, a query or a header is a failure of ours', async () => {
  for (const path of [
    `/api/v1/workspaces/%00/settings`,
    `/api/v1/workspaces/%ff/settings`,
    `/api/v1/workspaces/%zz/settings`,
    `/api/v1/workspaces/${workspace}%2fsettings/settings`,
    `/api/v1/workspaces/${'a'.repeat(10_000)}/settings`,
    `/api/v1/workspaces/__proto__/settings`,
  ]) {
    const answer = await app.call('PUT', path, { bearer: token.token, json: {} })
    expect([path.slice(0, 60), answer.status]).toEqual([path.slice(0, 60), 404])
  }
  for (const headers of [
    { cookie: '%%%=%ff; __proto__=1' },
    { accept: 'x'.repeat(8000) },
    { 'accept-encoding': '\u00ff' },
    { 'content-length': 'abc' },
    { range: 'bytes=9-1' },
  ]) {
    const query = '__proto__=1&limit[]=1&%ff=%zz&constructor[prototype]=x'
    const call = { bearer: token.token, headers }
    expect((await app.call('GET', `/api/v1/workspaces?${query}`, call)).status).toBe(200)
  }
})
