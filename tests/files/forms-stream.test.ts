import { afterAll, beforeAll, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { tableFromIPC } from 'apache-arrow'
import type { Values } from '../../src/files/forms/form.ts'
import { FORMS } from '../../src/files/forms/negotiate.ts'
import { loadSample } from '../../src/files/sample.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { until } from '../kit/service.ts'
import { cytometrist } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
let reads: number[] = []
let fails = false
beforeAll(async () => {
  const sample = await loadSample()
  const { source } = sample
  const counting = {
    size: source.size,
    async read(offset: number, length: number) {
      reads.push(length)
      if (fails && reads.length > 2) throw new Error('the disk is gone')
      return source.read(offset, length)
    },
  }
  api = await testApp({ sample: { ...sample, source: counting } })
  me = await cytometrist(api)
})
afterAll(() => api.close())

const EVENTS = '/api/v1/fcs/events'
const FORMATS = ['csv', 'ndjson', 'arrow'] as const
const EVENT_BYTES = 26 * 4

/** The answer as the server has it before it sends any of its body. */
async function begin(format: string, method = 'GET', query = '') {
  reads = []
  const request = api.request(method, `${EVENTS}?format=${format}${query}`, { bearer: me.bearer })
  return await api.app.handle(request)
}
const readerOf = (response: Response) => {
  if (!response.body) throw new Error('no body')
  return response.body.getReader()
}

test.each(FORMATS)('the use is in the log before a byte of %s is read', async (format) => {
  const before = (await api.auditOf(me.tokenId)).length
  const response = await begin(format)
  const rows = await api.auditOf(me.tokenId)
  expect([rows.length, rows.at(-1)?.status_code, rows.at(-1)?.endpoint]).toEqual([
    before + 1,
    200,
    EVENTS,
  ])
  expect(reads).toEqual([])
  await response.body?.cancel()
})

test.each(FORMATS)(
  '%s is read as far as its client takes it, and no further once it goes',
  async (format) => {
    const reader = readerOf(await begin(format))
    while (reads.length < 2) await reader.read()
    expect(reads.length).toBe(2)
    await reader.cancel()
    expect(reads.length).toBe(2)
  },
)

test.each(FORMATS)('a page of %s reads its own bytes alone', async (format) => {
  await (await begin(format, 'GET', '&offset=5000&limit=3&parameters=Time')).bytes()
  expect(reads).toEqual([3 * EVENT_BYTES])
})

test.each(FORMATS)('a whole file in %s is read once, a small part at a time', async (format) => {
  await (await begin(format)).bytes()
  expect(reads.reduce((sum, length) => sum + length, 0)).toBe(34297 * EVENT_BYTES)
  expect(Math.max(...reads)).toBeLessThanOrEqual(1024 * 1024)
})

test.each(FORMATS)('HEAD of %s reads nothing, and claims no length', async (format) => {
  const response = await begin(format, 'HEAD')
  expect([response.status, (await response.bytes()).length, reads]).toEqual([200, 0, []])
  expect(response.headers.get('content-disposition')).toContain('filename="sample.')
  expect(response.headers.has('content-length')).toBe(false)
})

test('on a socket, reading ends when the client goes', async () => {
  reads = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (made) => api.app.handle(made),
  })
  const socket = connect({ host: '127.0.0.1', port: Number(server.port) })
  socket.write(
    `GET ${EVENTS}?format=ndjson HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${me.bearer}\r\n\r\n`,
  )
  await until(async () => reads.length > 0)
  socket.destroy()
  await until(async () => server.pendingRequests === 0)
  expect(reads.reduce((sum, length) => sum + length, 0)).toBeLessThan(34297 * EVENT_BYTES)
  await server.stop(true)
})

test.each(FORMATS)(
  '%s whose file can no longer be read breaks off, and does not seem whole',
  async (format) => {
    fails = true
    const response = await begin(format)
    await expect(response.bytes()).rejects.toThrow('the disk is gone')
    fails = false
  },
)

test('integers of 64 bits are exact in every form, as strings where JSON would round them', async () => {
  const values: Values[] = [
    BigUint64Array.of(0n, 9007199254740991n, 9007199254740993n, 18446744073709551615n),
    Uint8Array.of(0, 1, 254, 255),
  ]
  const written = async (format: (typeof FORMATS)[number]) => {
    const blocks = (async function* () {
      yield values.map((column) => column.slice())
    })()
    const pieces: Uint8Array[] = []
    for await (const piece of FORMS[format].write(['A', 'B'], blocks)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  expect(String(await written('csv'))).toBe(
    'A,B\r\n0,0\r\n9007199254740991,1\r\n9007199254740993,254\r\n18446744073709551615,255\r\n',
  )
  expect(String(await written('ndjson'))).toBe(
    '{"A":0,"B":0}\n{"A":9007199254740991,"B":1}\n' +
      '{"A":"9007199254740993","B":254}\n{"A":"18446744073709551615","B":255}\n',
  )
  const arrow = tableFromIPC(await written('arrow'))
  expect(arrow.schema.fields.map(({ type }) => String(type))).toEqual(['Uint64', 'Uint8'])
  expect([...(arrow.getChild('A') ?? [])]).toEqual([...(values[0] ?? [])])
})
