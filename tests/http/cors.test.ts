import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'

const LISTED = 'https://app.example.org'
const OTHERS = [
  'https://app.example.org.evil.example',
  'https://evil.example',
  'http://app.example.org',
  'https://app.example.org:8443',
  'HTTPS://APP.EXAMPLE.ORG',
  'null',
  '*',
]

let app: TestApp
let closed: TestApp
let token: string
beforeAll(async () => {
  app = await testApp({ corsOrigins: [LISTED, 'http://localhost:5173'], rateLimitPerMinute: 60 })
  closed = await testApp()
  token = (await app.token(await app.user(), ['users:read'])).token
})
afterAll(() => Promise.all([app.close(), closed.close()]))

const corsOf = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')))
let addresses = 0
const from = (origin: string, headers: Record<string, string> = {}) => ({
  headers: { origin, ...headers },
  from: `10.2.0.${++addresses}`,
})
const PREFLIGHT = {
  'access-control-request-method': 'PUT',
  'access-control-request-headers': 'authorization, content-type',
}

test('security 23: without CORS_ORIGINS no answer speaks of origins, whoever asks', async () => {
  for (const call of [from(LISTED), from(LISTED, PREFLIGHT)]) {
    for (const method of ['GET', 'OPTIONS']) {
      const { headers } = await closed.call(method, '/api/v1/users/me', call)
      expect([corsOf(headers), headers.get('vary')]).toEqual([{}, null])
    }
  }
})

const ANSWERS: [what: string, status: number, method: string, path: string, bearer: boolean][] = [
  ['an answer', 200, 'GET', '/api/v1/users/me', true],
  ['an open answer', 200, 'GET', '/health', false],
  ['a 401', 401, 'GET', '/api/v1/users/me', false],
  ['a 403', 403, 'GET', '/api/v1/workspaces', true],
  ['a 404', 404, 'GET', '/nothing', false],
  ['a 405', 405, 'DELETE', '/health', false],
]
test.each(ANSWERS)(
  'security 23: a script of a listed origin may read %s, its limits and its request id',
  async (_, status, method, path, bearer) => {
    const call = { ...from(LISTED), ...(bearer && { bearer: token }) }
    const answer = await app.call(method, path, call)
    const { 'access-control-expose-headers': exposed, ...rest } = corsOf(answer.headers)
    expect([answer.status, rest]).toEqual([status, { 'access-control-allow-origin': LISTED }])
    const wanted = ['etag', 'location', 'ratelimit', 'ratelimit-policy', 'retry-after']
    expect(exposed?.split(', ')).toEqual(expect.arrayContaining([...wanted, 'x-request-id']))
    expect(answer.headers.get('vary')).toBe('origin')
  },
)

test('security 23: a script may read that it has to wait', async () => {
  const call = from(LISTED)
  for (let hit = 0; hit < 60; hit++) await app.call('GET', '/', call)
  const { status, headers } = await app.call('GET', '/', call)
  expect([status, headers.get('access-control-allow-origin')]).toEqual([429, LISTED])
})

test.each(OTHERS)('security 23: %s is no listed origin, and is told nothing', async (origin) => {
  for (const method of ['GET', 'OPTIONS']) {
    const { headers } = await app.call(method, '/api/v1/users/me', from(origin, PREFLIGHT))
    // A cache that kept this answer must not hand it to a listed origin.
    expect([corsOf(headers), headers.get('vary')]).toEqual([{}, 'origin'])
  }
})

test('a preflight is answered without a credential, with the methods of its path', async () => {
  const { status, text, headers } = await app.call(
    'OPTIONS',
    '/api/v1/users/me',
    from('http://localhost:5173', PREFLIGHT),
  )
  expect([status, text]).toEqual([204, ''])
  expect(corsOf(headers)).toMatchObject({
    'access-control-allow-origin': 'http://localhost:5173',
    'access-control-allow-methods': 'GET, HEAD, OPTIONS, PUT',
    'access-control-allow-headers': expect.stringMatching(/authorization, content-type/),
    'access-control-max-age': '7200',
  })
})

test('security 23: no origin is given leave to send cookies, and none is answered with *', async () => {
  for (const origin of [LISTED, ...OTHERS]) {
    for (const method of ['GET', 'OPTIONS']) {
      const { headers } = await app.call(method, '/', from(origin, PREFLIGHT))
      expect(headers.get('access-control-allow-credentials')).toBeNull()
      expect(headers.get('access-control-allow-origin')).not.toBe('*')
    }
  }
})
