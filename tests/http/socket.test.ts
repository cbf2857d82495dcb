import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { say, served } from './serve.ts'

let app: Awaited<ReturnType<typeof served>>
beforeAll(async () => {
  app = await served()
})
afterAll(() => app.close())

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
const request = (line: string, ...headers: string[]) =>
  `${[line, 'Host: test.local', ...headers].join('\r\n')}\r\n\r\n`

test.each([
  ['POST /api/v1/workspaces', 401],
  ['POST /api/v1/tokens', 401],
  ['POST /api/v1/fcs/upload?filename=a.fcs', 401],
  ['POST /nothing', 404],
  ['PUT /health', 405],
])(
  'security 4: 50 MB to %s without a token is %i before the body has come',
  async (target, status) => {
    const head = request(
      `${target} HTTP/1.1`,
      `Content-Length: ${50 * 2 ** 20}`,
      'Content-Type: application/json',
    )
    const started = performance.now()
    // One kilobyte is sent of it, and no more: an answer can't have waited for the rest.
    const answer = await say(app.port, head + 'x'.repeat(1024), { until: '"success":false' })
    expect(statusOf(answer)).toBe(status)
    expect(performance.now() - started).toBeLessThan(1000)
  },
)

test('a JSON body that says it is too large is refused before it has come', async () => {
  const head = request(
    'POST /api/v1/auth/login HTTP/1.1',
    `Content-Length: ${50 * 2 ** 20}`,
    'Content-Type: application/json',
  )
  expect(statusOf(await say(app.port, head, { until: '"success":false' }))).toBe(413)
})

test('a JSON body that does not say its length is refused when a megabyte of it has come', async () => {
  const head = request(
    'POST /api/v1/auth/login HTTP/1.1',
    'Transfer-Encoding: chunked',
    'Content-Type: application/json',
  )
  const chunk = `${(2 ** 19).toString(16)}\r\n${' '.repeat(2 ** 19)}\r\n`
  // Three half megabytes, and no end: an answer can't have waited for one.
  const answer = await say(app.port, head + chunk.repeat(3), { until: '"success":false' })
  expect(statusOf(answer)).toBe(413)
})

test('security 2: two Authorization headers are refused', async () => {
  const user = await app.user()
  const { token } = await app.token(user, ['users:read'])
  const both = [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`]
  const ask = (...headers: string[]) =>
    say(app.port, request('GET /api/v1/users/me HTTP/1.1', 'Connection: close', ...headers))
  expect(statusOf(await ask(...both.slice(0, 1)))).toBe(200)
  expect(statusOf(await ask(...both))).toBe(401)
})

test.each([
  ['an absolute target', 'GET http://test.local/health HTTP/1.1', 200],
  ['a target of another host', 'GET http://elsewhere.local/health HTTP/1.1', 200],
  ['a short host name', 'GET /xyz/health HTTP/1.1', 404],
  ['a method nobody knows', 'PROPFIND /health HTTP/1.1', 405],
])('%s is answered in order', async (_, line, status) => {
  expect(statusOf(await say(app.port, request(line, 'Connection: close')))).toBe(status)
})

test.each([
  'OPTIONS * HTTP/1.1',
  'GET * HTTP/1.1',
  'CONNECT test.local:443 HTTP/1.1',
  'GET health HTTP/1.1',
])('%s reaches nothing and breaks nothing', async (line) => {
  const status = statusOf(await say(app.port, request(line, 'Connection: close')))
  expect(status).toBeWithin(400, 500)
  expect(statusOf(await say(app.port, request('GET /health HTTP/1.1', 'Connection: close')))).toBe(
    200,
  )
})

test('the Host header names no route', async () => {
  const answer = await say(
    app.port,
    'GET /xyz/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  expect(statusOf(answer)).toBe(404)
})

test('a client that leaves in the middle of its body leaves no failure in the log', async () => {
  const head = request(
    'POST /api/v1/auth/login HTTP/1.1',
    'Content-Length: 100',
    'Content-Type: application/json',
  )
  const left = new Promise<void>((done) => {
    const socket = connect(app.port, '127.0.0.1', () =>
      socket.write(`${head}{"user`, () => socket.destroy()),
    )
    socket.on('close', () => done())
  })
  await left
  expect(statusOf(await say(app.port, request('GET /ready HTTP/1.1', 'Connection: close')))).toBe(
    200,
  )
  expect(app.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
})
