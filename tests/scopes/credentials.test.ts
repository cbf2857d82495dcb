import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let reader: Token

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  reader = await app.token(user, ['users:read'])
})
afterAll(() => app.close())

const challengeOf = ({ headers }: { headers: Headers }) => headers.get('www-authenticate')

test.each([
  ['/api/v1/users/me', 'GET'],
  ['/api/v1/users/me', 'HEAD'],
  ['/api/v1/workspaces', 'POST'],
  ['/api/v1/fcs/upload', 'POST'],
  ['/api/v1/tokens', 'GET'],
])(
  'security 1: without a credential %s %s is 401 and names the realm, not an error',
  async (path, method) => {
    const answer = await app.call(method, path)
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).toMatch(/^Bearer realm="[^"]+"$/)
  },
)

test('security 1: a bad token is 401 invalid_token, and an insufficient one 403 with the scope it lacks', async () => {
  const bad = await app.call('GET', '/api/v1/users/me', { bearer: 'nonsense' })
  expect(bad.status).toBe(401)
  expect(bad.body).toEqual({ success: false, error: 'Unauthorized', message: 'Invalid token' })
  expect(challengeOf(bad)).toMatch(/^Bearer realm="[^"]+", error="invalid_token"/)

  const low = await app.call('PUT', '/api/v1/users/me', { bearer: reader.token, json: {} })
  expect(low.status).toBe(403)
  expect(low.body).toEqual({
    success: false,
    error: 'Forbidden',
    data: {
      required_scope: 'users:write',
      your_scopes: ['users:read'],
      smallest_scope: 'users:write',
    },
  })
  expect(challengeOf(low)).toMatch(
    /^Bearer (realm="[^"]+", )?error="insufficient_scope", scope="users:write"$/,
  )
})

test.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])(
  'the scheme may be written %s',
  async (scheme) => {
    const headers = { authorization: `${scheme} ${reader.token}` }
    expect((await app.call('GET', '/api/v1/users/me', { headers })).status).toBe(200)
  },
)

const malformed: [string, (token: string) => string][] = [
  ['Basic with the token as password', (token) => `Basic ${btoa(`x:${token}`)}`],
  ['Basic with the bare token', (token) => `Basic ${token}`],
  ['the scheme of another API', (token) => `Token ${token}`],
  ['no scheme', (token) => token],
  ['an empty Bearer', () => 'Bearer '],
  ['Bearer twice', (token) => `Bearer Bearer ${token}`],
  ['a tab for the space', (token) => `Bearer\t${token}`],
  ['a comma after it', (token) => `Bearer ${token},`],
  ['two tokens', (token) => `Bearer ${token} ${token}`],
  ['two headers folded into one', (token) => `Bearer ${token}, Bearer ${token}`],
  ['quotes', (token) => `Bearer "${token}"`],
  ['nine kilobytes', () => `Bearer ${'x'.repeat(9000)}`],
  ['nine kilobytes behind the token', (token) => `Bearer ${token}${'x'.repeat(9000)}`],
  ['a changed case', (token) => `Bearer ${token.toUpperCase()}`],
  ['a character too few', (token) => `Bearer ${token.slice(0, -1)}`],
]

test.each(malformed)('security 2: %s is refused', async (_, authorization) => {
  const headers = { authorization: authorization(reader.token) }
  const answer = await app.call('GET', '/api/v1/users/me', { headers })
  expect(answer.status).toBe(401)
  expect(answer.body.message).toBe('Invalid token')
  expect(challengeOf(answer)).toContain('error="invalid_token"')
})

test.each([
  ['access_token', false],
  ['access_token', true],
  ['token', true],
])(
  'security 2: a token in the query as %s is refused, beside a good header too (%p)',
  async (name, header) => {
    const path = `/api/v1/users/me?${name}=${reader.token}`
    const answer = await app.call('GET', path, header ? { bearer: reader.token } : {})
    expect([400, 401]).toContain(answer.status)
    expect(answer.body.success).toBe(false)
    expect(answer.text).not.toContain(reader.token)
  },
)

test.each([
  ['malformed JSON', { body: '{"name":', headers: { 'content-type': 'application/json' } }],
  ['an unknown field', { json: { is_admin: true } }],
  ['a wrong content type', { body: 'a=b', headers: { 'content-type': 'text/plain' } }],
])('who may not write learns nothing from %s', async (_, body) => {
  const without = await app.call('POST', '/api/v1/workspaces', body)
  expect(without.status).toBe(401)
  const low = await app.call('POST', '/api/v1/workspaces', { ...body, bearer: reader.token })
  expect(low.status).toBe(403)
})

test('a refusal by scope comes before the body is read', async () => {
  let pulled = 0
  const body = new ReadableStream(
    {
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(1024))
      },
    },
    { highWaterMark: 0 },
  )
  const headers = { 'content-type': 'application/octet-stream' }
  const path = '/api/v1/fcs/upload?filename=a.fcs'
  const answer = await app.call('POST', path, { bearer: reader.token, body, headers })
  expect(answer.status).toBe(403)
  expect(pulled).toBe(0)
})
