import { afterAll, beforeAll, expect, test } from 'bun:test'
import { say, served } from '../http/serve.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

const VERIFY = '/api/v1/auth/verify'
const GATEWAY = '10.9.0.1'
let app: TestApp
let user: User
let reader: Token

beforeAll(async () => {
  app = await testApp({ trustedProxies: ['10.9.0.0/24'] })
  user = await app.user()
  reader = await app.token(user, ['fcs:write', 'users:read'])
})
afterAll(() => app.close())

const asked = (
  query: string,
  headers: Record<string, string> = {},
  from: string | null = GATEWAY,
) => app.call('GET', VERIFY + query, { bearer: reader.token, headers, from })
const lastRow = async ({ id }: Token = reader) => (await app.auditOf(id)).at(-1)

test('a gateway is told who calls, in headers and in the body', async () => {
  const { status, headers, body } = await asked('?scope=fcs:read')
  expect(status).toBe(200)
  expect(headers.get('x-auth-user')).toBe(user.username)
  expect(headers.get('x-auth-user-id')).toBe(user.id)
  expect(headers.get('x-auth-token-id')).toBe(reader.id)
  expect(headers.get('x-auth-scopes')).toBe('users:read fcs:write')
  expect(body.data).toMatchObject({
    user: { id: user.id, username: user.username },
    token_id: reader.id,
    scopes: ['users:read', 'fcs:write'],
  })
})

test('a name in any script fits a header, and no two names are written alike', async () => {
  const names = ['Zoë 研究員', 'Zo%C3%AB', 'a\u00a0b', 'a, b; c']
  const written = new Set<string | null>()
  for (const name of names) {
    await app.sql`update users set username = ${name} where id = ${user.id}`
    const { headers } = await asked('')
    const header = headers.get('x-auth-user') ?? ''
    expect(header).toMatch(/^[\w%.~!*'()-]+$/)
    expect(decodeURIComponent(header)).toBe(name)
    written.add(header)
  }
  expect(written.size).toBe(names.length)
  await app.sql`update users set username = ${user.username} where id = ${user.id}`
})

test.each([
  ['no scope', '', {}, 200],
  ['a scope in the query', '?scope=fcs:read', {}, 200],
  ['a scope in the header', '', { 'x-required-scope': 'fcs:read' }, 200],
  ['two that are held', '?scope=fcs:read,users:read', {}, 200],
  ['one that is not held', '?scope=fcs:analyze', {}, 403],
  ['one of two that is not', '?scope=fcs:read+users:write', {}, 403],
  ['the same name twice', '?scope=fcs:read&scope=workspaces:read', {}, 403],
  ['a header beside the query, which can’t weaken it', '?scope=fcs:analyze', 'fcs:read', 403],
  ['a query beside the header, which can’t weaken it', '?scope=fcs:read', 'fcs:analyze', 403],
  ['an unknown scope', '?scope=fcs:bogus', {}, 422],
  ['a scope that would break a header', '', { 'x-required-scope': '"\tx' }, 422],
] as const)('%s', async (_, query, given, expected) => {
  const headers = typeof given === 'string' ? { 'x-required-scope': given } : { ...given }
  const { status, headers: sent } = await asked(query, headers)
  expect(status).toBe(expected)
  expect(sent.has('x-auth-user')).toBe(expected === 200)
  if (expected === 403) expect(sent.get('www-authenticate')).toContain('insufficient_scope')
  expect((await lastRow())?.authorized).toBe(expected === 200)
})

test.each([
  '?scop=fcs:read',
  '?Scope=fcs:read',
  '?scope=fcs:read&scopes=fcs:analyze',
  '?scope%20=fcs:read',
  '?fcs:read',
  '?=fcs:read',
])('the query %s is refused by its name, and not shown', async (query) => {
  const { status, headers, body } = await asked(query, { 'x-required-scope': 'fcs:read' })
  expect([status, headers.has('x-auth-user')]).toEqual([422, false])
  expect(body).toEqual({
    success: false,
    error: 'Unprocessable Entity',
    message: 'query: nothing but scope and method',
    data: { errors: [{ field: 'query', rule: 'nothing but scope and method' }] },
  })
  expect((await lastRow())?.authorized).toBe(false)
  expect((await app.call('GET', VERIFY + query)).status).toBe(401)
})

test('without a credential, with a wrong one and with a JWT it is 401', async () => {
  expect((await app.call('GET', VERIFY)).status).toBe(401)
  expect((await app.call('GET', `${VERIFY}?scope=fcs:bogus`)).status).toBe(401)
  expect((await app.call('GET', VERIFY, { bearer: `${reader.token}x` })).status).toBe(401)
  expect((await app.call('GET', VERIFY, { bearer: user.jwt })).status).toBe(401)
})

const NGINX = { 'x-original-method': 'DELETE', 'x-original-uri': '/lab/runs/7?force=1' }
const TRAEFIK = { 'x-forwarded-method': 'DELETE', 'x-forwarded-uri': '/lab/runs/7?force=1' }

test.each([
  ['nginx', '', NGINX],
  ['Traefik and Caddy', '', TRAEFIK],
  ['both alike', '', { ...NGINX, ...TRAEFIK }],
  ['the query', '?method=DELETE', { 'x-original-uri': '/lab/runs/7?force=1' }],
])('the row has the method and the path that %s gives', async (_, query, headers) => {
  expect((await asked(query, headers)).status).toBe(200)
  expect(await lastRow()).toMatchObject({
    method: 'DELETE',
    endpoint: `${VERIFY}/lab/runs/7`,
    status_code: 200,
  })
})

test('a refusal is recorded with the method and the path of the client too', async () => {
  const revoked = await app.token(user, ['fcs:read'])
  await app.call('DELETE', `/api/v1/tokens/${revoked.id}`, { bearer: user.jwt })
  const call = { bearer: revoked.token, headers: NGINX, from: GATEWAY }
  expect((await app.call('GET', VERIFY, call)).status).toBe(401)
  expect(await lastRow(revoked)).toMatchObject({
    method: 'DELETE',
    endpoint: `${VERIFY}/lab/runs/7`,
    reason: 'Token revoked',
  })
})

test('from anybody but a trusted proxy these headers change nothing', async () => {
  await asked('?method=DELETE', { ...NGINX, 'x-forwarded-for': '192.0.2.9' }, '10.8.0.1')
  expect(await lastRow()).toMatchObject({ method: 'GET', endpoint: VERIFY, ip: '10.8.0.1' })
  await asked('', NGINX, null)
  expect(await lastRow()).toMatchObject({ method: 'GET', endpoint: VERIFY, ip: null })
})

test('a client whose headers the gateway passes on can’t have another path written', async () => {
  const forged = { ...NGINX, 'x-forwarded-uri': '/lab/harmless', 'x-forwarded-method': 'GET' }
  expect((await asked('', forged)).status).toBe(400)
  expect(await lastRow()).toMatchObject({ method: 'GET', endpoint: VERIFY, authorized: false })
})

test.each([
  ['/api/v1/tokens', `${VERIFY}/api/v1/tokens`],
  ['//evil', `${VERIFY}//evil`],
  ['nothing', `${VERIFY}/nothing`],
  ['?only=query', `${VERIFY}/`],
])('the path %s can’t pass for one of ours', async (uri, endpoint) => {
  await asked('', { 'x-original-uri': uri })
  expect((await lastRow())?.endpoint).toBe(endpoint)
})

test('a method that is none, and a token in the path, are not written', async () => {
  const { token } = await app.token(user, ['fcs:read'])
  await asked('', { 'x-original-method': 'get it', 'x-original-uri': `/lab/${token}` })
  const row = await lastRow()
  expect(row).toMatchObject({ method: 'GET', endpoint: `${VERIFY}/lab/${token.slice(0, 12)}…` })
})

test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
  'Envoy asks with the method and the path of its client: %s',
  async (method) => {
    const call = { bearer: reader.token, headers: { 'x-required-scope': 'fcs:read' } }
    // The query is the client's, and names no scope.
    const path = `${VERIFY}/lab/runs/7?scope=users:write`
    const answer = await app.call(method, path, call)
    expect([answer.status, answer.headers.get('x-auth-user')]).toEqual([200, user.username])
    expect(await lastRow()).toMatchObject({ method, endpoint: `${VERIFY}/lab/runs/7` })
    expect((await app.call(method, path)).status).toBe(401)
    const needed = { ...call, headers: { 'x-required-scope': 'fcs:analyze' } }
    expect((await app.call(method, `${VERIFY}/lab?scope=fcs:read`, needed)).status).toBe(403)
  },
)

test('the address of the client decides, not that of the gateway', async () => {
  const { token } = await app.token(user, ['fcs:read'], { allowed_ips: ['192.0.2.0/24'] })
  const of = async (address: string) => {
    const headers = { 'x-forwarded-for': address }
    return (await app.call('GET', VERIFY, { bearer: token, headers, from: GATEWAY })).status
  }
  expect(await of('192.0.2.5')).toBe(200)
  expect(await of('198.51.100.5')).toBe(403)
})

test('Envoy has to name a scope, or none by an empty header', async () => {
  const call = { bearer: reader.token }
  expect((await app.call('GET', `${VERIFY}/lab`, call)).status).toBe(400)
  const none = { ...call, headers: { 'x-required-scope': '' } }
  expect((await app.call('GET', `${VERIFY}/lab`, none)).status).toBe(200)
})

test.each(['/', '/health', '/ready', '/docs', '/openapi.json', '/api/v1/users/me', `${VERIFY}x`])(
  'a question that has come to %s is no yes',
  async (path) => {
    const headers = { 'x-required-scope': 'fcs:read' }
    for (const call of [{ headers }, { headers, bearer: reader.token }]) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        const { status } = await app.call(method, path, call)
        expect([method, path, status >= 400]).toEqual([method, path, true])
      }
    }
  },
)

test('over a socket no dots in the path of Envoy’s client lead to an answer for anybody', async () => {
  const server = await served()
  const ask = async (path: string) => {
    const lines = [`GET ${VERIFY}${path} HTTP/1.1`, 'Host: a.local', 'X-Required-Scope: fcs:read']
    return (await say(server.port, `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`)).slice(
      9,
      12,
    )
  }
  const up = ['/..', '/%2e%2e', '/.%2E', '\\..']
  const found = await Promise.all(up.map((dots) => ask(`${dots.repeat(4)}/health`)))
  await server.close()
  expect(found.filter((status) => status < '400')).toEqual([])
})
