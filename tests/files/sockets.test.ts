import { afterAll, beforeAll, expect, test } from 'bun:test'
import { largeFcs } from '../kit/large-fcs.ts'
import { rawConnection, until } from '../kit/service.ts'
import { RAW, UPLOAD } from './kit.ts'
import { fileServer } from './server.ts'

let server: Awaited<ReturnType<typeof fileServer>>
beforeAll(async () => {
  server = await fileServer()
}, 30_000)
afterAll(() => server.close())

const head = (...headers: string[]) =>
  [`POST ${UPLOAD}?filename=a.fcs HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')
const OCTETS = 'Content-Type: application/octet-stream'
const statusesOf = async (tokenId: string) => {
  const rows = await server.sql`select status_code from audit_log where token_id = ${tokenId}`
  return rows.map((row) => row.status_code)
}
const isAlive = async () => (await server.call('GET', '/health')).status === 200

test('security 4: an upload without a token is refused within 50 ms of its headers, none of its body sent', async () => {
  const took: number[] = []
  for (let i = 0; i < 5; i++) {
    const { socket, first } = await rawConnection(server.url)
    const start = performance.now()
    socket.write(head(OCTETS, 'Content-Length: 500000000'))
    expect(await first).toStartWith('HTTP/1.1 401 ')
    took.push(performance.now() - start)
    socket.destroy()
  }
  expect(took.toSorted((a, b) => a - b)[2]).toBeLessThan(50)
  expect(await server.files()).toEqual([])
})

test.each([
  ['too large an announcement', 413, [OCTETS, `Content-Length: ${2 ** 31 + 1}`]],
  ['a wrong type', 415, ['Content-Type: image/png', 'Content-Length: 500000000']],
  ['no boundary', 400, ['Content-Type: multipart/form-data', 'Content-Length: 500000000']],
])('an upload with %s is answered %d before its body', async (_, status, headers) => {
  const { token } = await server.newToken()
  const { socket, first } = await rawConnection(server.url)
  socket.write(head(`Authorization: Bearer ${token}`, ...headers))
  expect(await first).toStartWith(`HTTP/1.1 ${status} `)
  socket.destroy()
})

const [opening = new Uint8Array(), ...blocks] = largeFcs(12)
const START = '--XX\r\nContent-Disposition: form-data; name="file"; filename="a.fcs"\r\n\r\n'
const FORM = 'Content-Type: multipart/form-data; boundary=XX'

test.each([
  ['raw', OCTETS, 'Content-Length: 11000000', ''],
  ['in a form', FORM, 'Content-Length: 11000000', START],
])(
  'security 22: an upload %s that its client breaks off leaves no row, no bytes and one audit row',
  async (_, type, length, start) => {
    const { id, token } = await server.newToken()
    const { socket } = await rawConnection(server.url)
    socket.write(head(`Authorization: Bearer ${token}`, type, length))
    socket.write(start)
    for (const piece of [opening, ...blocks.slice(0, 6)]) socket.write(piece)
    await until(async () => (await server.files()).length === 1)
    socket.destroy()

    await until(async () => (await statusesOf(id)).length > 0)
    expect(await server.files()).toEqual([])
    expect(await server.sql`select id from fcs_files`).toBeEmpty()
    expect(await statusesOf(id)).toEqual([400])
    expect(await isAlive()).toBe(true)
  },
)

test('a body that stops short inside a chunk is broken off, too', async () => {
  const { id, token } = await server.newToken()
  const { socket } = await rawConnection(server.url)
  socket.write(head(`Authorization: Bearer ${token}`, OCTETS, 'Transfer-Encoding: chunked'))
  socket.write(`${(opening.length + 9).toString(16)}\r\n`)
  socket.end(opening)
  await until(async () => (await statusesOf(id)).length > 0)
  expect(await statusesOf(id)).toEqual([400])
  expect(await server.files()).toEqual([])
})

const JUNK_BYTES = 100_000_000

test('a large body that is no FCS is answered 422 while its client still sends', async () => {
  const { id, token } = await server.newToken()
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 100_000
      controller.enqueue(new Uint8Array(100_000))
      if (sent >= JUNK_BYTES) controller.close()
    },
  })
  const path = `${UPLOAD}?filename=a.fcs`
  const streamed = await server.call('POST', path, { bearer: token, headers: RAW, body })
  expect([streamed.status, streamed.body.data.reason]).toEqual([422, 'not_fcs'])
  const whole = await server.call('POST', path, {
    ...{ bearer: token, headers: RAW, body: new Uint8Array(JUNK_BYTES) },
  })
  expect(whole.status).toBe(422)
  expect(await statusesOf(id)).toEqual([422, 422])
  expect(await isAlive()).toBe(true)
})

test.skipIf(!Bun.which('curl')).each([
  ['raw', ['-H', OCTETS, '--data-binary', '@-']],
  ['in a form', ['-F', 'file=@-;filename=a.fcs']],
  ['raw, without waiting for a 100', ['-H', OCTETS, '-H', 'Expect:', '--data-binary', '@-']],
])('curl sending 100 MB of junk %s shows the 422 and ends well', async (_, args) => {
  const { token } = await server.newToken()
  const options = ['-sS', '-H', `Authorization: Bearer ${token}`, '-w', '\n%{http_code}', ...args]
  const curl = Bun.spawn(['curl', ...options, `${server.url}${UPLOAD}?filename=a.fcs`], {
    stdin: new Uint8Array(JUNK_BYTES),
    stdout: 'pipe',
  })
  const [answer = '', status] = (await new Response(curl.stdout).text()).split('\n')
  expect([status, JSON.parse(answer).data.reason]).toEqual(['422', 'not_fcs'])
  expect(await curl.exited).toBe(0)
})

test('after a refusal the connection serves the next request', async () => {
  const { token } = await server.newToken()
  const { socket, first, closed } = await rawConnection(server.url)
  socket.write(head(`Authorization: Bearer ${token}`, OCTETS, 'Content-Length: 300000'))
  socket.write(new Uint8Array(300_000))
  expect(await first).toStartWith('HTTP/1.1 422 ')
  socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  expect(await closed).toEndWith('{"status":"ok"}')
})

const sample = Bun.file(new URL('../../data/sample.fcs', import.meta.url))

test('HEAD of a download has the size and no bytes on the wire', async () => {
  const { token } = await server.newToken()
  const up = await server.call('POST', `${UPLOAD}?filename=a.fcs`, {
    ...{ bearer: token, headers: RAW, body: await sample.bytes() },
  })
  const path = `/api/v1/fcs/files/${up.body.data.file_id}/download`
  const { socket, closed } = await rawConnection(server.url)
  socket.write(
    `HEAD ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
  )
  const answer = await closed
  expect(answer.toLowerCase()).toContain(`\r\ncontent-length: ${sample.size}\r\n`)
  expect(answer).toEndWith('\r\n\r\n')
})
