import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { listen } from '../kit/raw-http.ts'

let app: TestApp
let user: User
let token: Token
let server: ReturnType<typeof listen>

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())
beforeEach(async () => {
  token = await app.token(user, ['fcs:write'])
  server = listen(app)
})
afterEach(() => server.close())

const bearer = () => `Authorization: Bearer ${token.token}`
const rows = async () => [...(await app.auditOf(token.id))]

const strange: [string, string, string][] = [
  ['an ANSI code', '/x%1b[31mred', '/x%1b[31mred'],
  ['CR and LF in code', '/x%0d%0aINSERT', '/x%0d%0aINSERT'],
  ['NUL in code', '/x%00y', '/x%00y'],
  ['JSON', '/x"},{"status_code":200,"a":"', '/x%22%7D,%7B%22status_code%22:200,%22a%22:%22'],
  ['an escape of JSON', '/x\\u0000\\ud800', '/x/u0000/ud800'],
  [
    'SQL',
    "/x'); delete from audit_log; --".replaceAll(' ', '+'),
    "/x');+delete+from+audit_log;+--",
  ],
  ['half a character', '/x%ed%a0%80%ff', '/x%ed%a0%80%ff'],
  ['ten kilobytes', `/${'a'.repeat(10_000)}`, `/${'a'.repeat(2047)}`],
]

test.each(strange)(
  'security 28: a path with %s leaves one row, as it was sent',
  async (_, path, endpoint) => {
    const { status } = await server.send(`GET ${path}`, [bearer()])
    expect(status).toBe(404)
    expect(await rows()).toEqual([
      {
        method: 'GET',
        endpoint,
        status_code: 404,
        authorized: false,
        reason: 'Not Found',
        ip: null,
      },
    ])
  },
)

test('security 28: bytes that are no UTF-8 leave one row', async () => {
  const { status } = await server.send('GET /x\xff\xfe\xed\xa0\x80y', [bearer()])
  expect(status).toBe(404)
  expect((await rows()).map((row) => row.status_code)).toEqual([404])
})

test.each([
  ['an escape character', 'GET /x\x1b[31mred'],
  ['NUL', 'GET /x\0y'],
  ['a lone CR', 'GET /x\ry'],
  ['a line of its own', 'GET /x\r\nX-Forged: y\r\nGET /z'],
])('security 28: a request line with %s never comes to the app', async (_, line) => {
  const { status } = await server.send(line, [bearer()])
  expect(status).toBeGreaterThanOrEqual(400)
  expect(server.handled).toHaveLength(0)
})

test('security 28: a token in the path is kept as its prefix', async () => {
  const { status } = await server.send(`GET /x/${token.token}/y`, [bearer()])
  expect(status).toBe(404)
  expect((await rows())[0]?.endpoint).toBe(`/x/${token.token.slice(0, 12)}…/y`)
})

test('security 28: a strange row loses none of those that are written with it', async () => {
  const paths = strange.flatMap(([, path]) => [path, '/plain'])
  await Promise.all(paths.map((path) => server.send(`GET ${path}`, [bearer()])))
  expect(await rows()).toHaveLength(paths.length)
})

test.each([
  ['two headers', () => [bearer(), bearer()]],
  ['a header more', () => [bearer(), 'Authorization: Basic eA==']],
])('security 27: %s on a socket leave one row, with 401', async (_, headers) => {
  const { status } = await server.send('GET /api/v1/fcs/files', headers())
  expect(status).toBe(401)
  expect(await rows()).toMatchObject([{ status_code: 401, authorized: false }])
})

const upload = (type: string) =>
  `POST /api/v1/fcs/upload?filename=a.fcs HTTP/1.1\r\nHost: test.local\r\n${bearer()}\r\n` +
  `Content-Type: ${type}\r\nContent-Length: 100000\r\n\r\n`
const PART =
  '--x\r\nContent-Disposition: form-data; name="file"; filename="a.fcs"\r\nContent-Type: application/fcs\r\n\r\n'

test.each([
  ['before its first byte', 'application/octet-stream', ''],
  ['in the middle', 'application/octet-stream', 'FCS3.1    '],
  ['before its part', 'multipart/form-data; boundary=x', '--x\r\nContent-Dispo'],
  ['within its part', 'multipart/form-data; boundary=x', `${PART}FCS3.1    `],
  ['after its part', 'multipart/form-data; boundary=x', `${PART}FCS3.1    \r\n--x`],
])(
  'security 27: an upload that breaks off %s leaves one row, with 400, and no bytes',
  async (_, type, begun) => {
    const { socket } = await server.open()
    socket.write(upload(type) + begun)
    await server.first
    socket.terminate()
    await Promise.all(server.handled)
    const endpoint = '/api/v1/fcs/upload'
    expect(await rows()).toEqual([
      { method: 'POST', endpoint, status_code: 400, authorized: true, reason: null, ip: null },
    ])
    expect(await readdir(app.folder)).toEqual([])
  },
)

test('security 27: a streamed download that the client leaves has one row, there before the first byte', async () => {
  const columns = [Float32Array.from({ length: 1_000_000 }, (_, i) => i)]
  const body = writeFcs({ parameters: [{ name: 'A' }], columns }).slice()
  const headers = { 'content-type': 'application/octet-stream' }
  const path = '/api/v1/fcs/upload?filename=a.fcs'
  const stored = await app.call('POST', path, { bearer: token.token, headers, body })
  const endpoint = `/api/v1/fcs/files/${stored.body.data.file_id}/download`

  const { socket, answer } = await server.open((got) => got.includes('FCS3.1'))
  socket.write(`GET ${endpoint} HTTP/1.1\r\nHost: test.local\r\n${bearer()}\r\n\r\n`)
  expect(await answer).toStartWith('HTTP/1.1 200 ')
  expect((await rows()).slice(1)).toMatchObject([{ endpoint, status_code: 200, authorized: true }])
  socket.terminate()
  await Promise.all(server.handled)
  expect(await rows()).toHaveLength(2)
  await app.call('DELETE', `/api/v1/fcs/files/${stored.body.data.file_id}`, { bearer: token.token })
})
