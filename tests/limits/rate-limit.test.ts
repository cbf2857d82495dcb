import { afterAll, beforeAll, expect, test } from 'bun:test'
import { say, served } from '../http/serve.ts'
import { type Call, type TestApp, testApp } from '../kit/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ rateLimitPerMinute: 60 })
})
afterAll(() => app.close())

let addresses = 0
const newAddress = () => `10.1.0.${++addresses}`
const statuses = async (count: number, call: () => Promise<{ status: number }>) => {
  const found: number[] = []
  for (let i = 0; i < count; i++) found.push((await call()).status)
  return found
}

test('security 24: sixty requests pass and the next is 429, which says how long to wait', async () => {
  const from = newAddress()
  const passed = await statuses(60, () => app.call('GET', '/', { from }))
  expect(passed.filter((status) => status === 200)).toHaveLength(60)

  const { status, headers, body } = await app.call('GET', '/', { from })
  const wait = Number(headers.get('retry-after'))
  expect([status, body]).toEqual([
    429,
    { success: false, error: 'Too Many Requests', data: { retry_after: wait } },
  ])
  expect(wait).toBeWithin(1, 61)
  expect(headers.get('x-request-id')).toBeString()
  expect((await app.call('GET', '/', { from: newAddress() })).status).toBe(200)
})

const json = { 'content-type': 'application/json' }
const COUNTED: [string, number, string, string, Call][] = [
  ['a 204', 204, 'OPTIONS', '/', {}],
  ['a 400', 400, 'POST', '/api/v1/auth/login', { body: '{', headers: json }],
  ['a 401', 401, 'GET', '/api/v1/tokens', {}],
  ['a 404', 404, 'GET', '/nothing', {}],
  ['a 405', 405, 'DELETE', '/', {}],
  ['a 415', 415, 'POST', '/api/v1/auth/login', { body: 'a' }],
  ['a 422', 422, 'POST', '/api/v1/auth/login', { json: {} }],
]
test.each(COUNTED)(
  'security 24: %s counts like any other',
  async (_, status, method, path, call) => {
    const from = newAddress()
    expect(await statuses(60, () => app.call(method, path, { ...call, from }))).toEqual(
      Array.from({ length: 60 }, () => status),
    )
    expect((await app.call(method, path, { ...call, from })).status).toBe(429)
    expect((await app.call('GET', '/', { from })).status).toBe(429)
  },
)

test('security 24: health counts for nothing and is never refused, whatever follows its name does', async () => {
  const from = newAddress()
  const call = (path: string) => app.call('GET', path, { from })
  expect(new Set(await statuses(100, () => call('/health')))).toEqual(new Set([200]))
  expect(await statuses(61, () => call('/health/x'))).toContain(429)
  expect((await call('/health?a')).status).toBe(200)
})

test('the limit speaks before credentials do, and a refused request does nothing', async () => {
  const from = newAddress()
  const user = await app.user()
  const { token } = await app.token(user, ['workspaces:write'])
  await statuses(60, () => app.call('GET', '/nothing', { from }))
  const call = { from, bearer: token, json: { name: 'late' } }
  expect((await app.call('POST', '/api/v1/workspaces', call)).status).toBe(429)
  expect(await app.sql`select from workspaces`).toHaveLength(0)
})

test('every answer says where the client stands', async () => {
  const from = newAddress()
  for (const [path, left] of [
    ['/', 59],
    ['/nothing', 58],
    ['/api/v1/tokens', 57],
    ['/openapi.json', 56],
  ] as const) {
    const { headers } = await app.call('GET', path, { from })
    expect(headers.get('ratelimit-policy')).toBe('"address";q=60;w=60')
    expect([path, headers.get('ratelimit')]).toEqual([
      path,
      expect.stringMatching(new RegExp(`^"address";r=${left};t=(60|59|58)$`)),
    ])
  }
})

test('without a limit nothing is refused and no header speaks of one', async () => {
  const open = await testApp({ rateLimitPerMinute: 0 })
  const answers = await statuses(200, () => open.call('GET', '/'))
  const { headers } = await open.call('GET', '/')
  await open.close()
  expect(new Set(answers)).toEqual(new Set([200]))
  expect([headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([null, null])
})

test('over a real socket IPv4 is one client, whichever family the server listens on', async () => {
  const server = await served({ rateLimitPerMinute: 3 }, '::')
  const ask = async (forwarded: string) => {
    const lines = [
      'GET / HTTP/1.1',
      'Host: a.local',
      `X-Forwarded-For: ${forwarded}`,
      'Connection: close',
    ]
    return Number((await say(server.port, `${lines.join('\r\n')}\r\n\r\n`)).slice(9, 12))
  }
  const found = [
    await ask('9.9.9.1'),
    await ask('9.9.9.2'),
    await ask('9.9.9.3'),
    await ask('9.9.9.4'),
  ]
  await server.close()
  expect(found).toEqual([200, 200, 200, 429])
})
