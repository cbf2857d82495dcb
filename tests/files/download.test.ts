import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { cytometrist, FILES, fcsBytes } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
let path: string
const file = fcsBytes()
const size = file.length
const etag = `"${new Bun.CryptoHasher('sha256').update(file).digest('hex')}"`
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
  path = `${FILES}/${await me.file()}/download`
})
afterAll(() => api.close())

async function download(headers: Record<string, string>, method = 'GET') {
  const request = api.request(method, path, { bearer: me.bearer, headers })
  const response = await api.app.handle(request)
  return { status: response.status, headers: response.headers, bytes: await response.bytes() }
}

test('a download is the very bytes, with what a client needs to know of them', async () => {
  const { status, headers, bytes } = await download({})
  expect(status).toBe(200)
  expect(bytes).toEqual(file)
  expect(Object.fromEntries(headers)).toMatchObject({
    etag,
    'accept-ranges': 'bytes',
    'content-length': String(size),
    'content-type': 'application/vnd.isac.fcs',
    'content-disposition': `attachment; filename="a.fcs"; filename*=UTF-8''a.fcs`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': expect.any(String),
  })
  expect(headers.has('content-range')).toBe(false)
})

test.each([
  ['bytes=0-5', 0, 5],
  ['bytes=0-0', 0, 0],
  ['bytes=58-99', 58, 99],
  ['bytes=10-', 10, size - 1],
  ['bytes=-1', size - 1, size - 1],
  ['bytes=-100', size - 100, size - 1],
  [`bytes=-${size + 5}`, 0, size - 1],
  [`bytes=0-${size + 5}`, 0, size - 1],
  [`bytes=${size - 1}-${size - 1}`, size - 1, size - 1],
  [`bytes=5-${'9'.repeat(40)}`, 5, size - 1],
  ['Bytes=1-2', 1, 2],
])('the range %s is answered 206 with just its bytes', async (range, first, last) => {
  for (const more of [{}, { 'if-range': etag }]) {
    const { status, headers, bytes } = await download({ range, ...more })
    expect(status).toBe(206)
    expect(headers.get('content-range')).toBe(`bytes ${first}-${last}/${size}`)
    expect(headers.get('content-length')).toBe(String(last - first + 1))
    expect(headers.get('etag')).toBe(etag)
    expect(bytes).toEqual(file.slice(first, last + 1))
  }
})

test.each([`bytes=${size}-`, `bytes=${size}-${size + 1}`, 'bytes=-0', `bytes=${'9'.repeat(40)}-`])(
  'the range %s lies outside, and is 416 with the size',
  async (range) => {
    const { status, headers, bytes } = await download({ range })
    expect(status).toBe(416)
    expect(headers.get('content-range')).toBe(`bytes */${size}`)
    expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({
      success: false,
      error: 'Range Not Satisfiable',
    })
  },
)

test.each([
  ['several ranges', { range: 'bytes=0-1,4-5' }],
  ['a range that runs backwards', { range: 'bytes=5-2' }],
  ['a range of nothing', { range: 'bytes=-' }],
  ['a range in another unit', { range: 'events=0-5' }],
  ['a range that is none', { range: 'bytes=0x1-2' }],
  ['a range of other bytes', { range: 'bytes=0-1', 'if-range': '"other"' }],
  ['a range of bytes known only weakly', { range: 'bytes=0-1', 'if-range': `W/${etag}` }],
  ['a range since a date', { range: 'bytes=0-1', 'if-range': 'Sun, 22 Nov 2026 00:00:00 GMT' }],
])('%s gets the whole file', async (_, headers: Record<string, string>) => {
  const { status, bytes } = await download(headers)
  expect(status).toBe(200)
  expect(bytes).toEqual(file)
})

test.each([etag, `W/${etag}`, '*', `"x", ${etag}`])(
  'If-None-Match %s is 304 without bytes, whatever the range',
  async (known) => {
    const answer = await download({ 'if-none-match': known, range: 'bytes=0-1' })
    expect([answer.status, answer.bytes.length]).toEqual([304, 0])
    expect(answer.headers.get('etag')).toBe(etag)
  },
)

test('If-None-Match of other bytes gets the file', async () => {
  expect((await download({ 'if-none-match': '"other"' })).status).toBe(200)
})

test('HEAD tells of the whole file without a byte of it, and knows no ranges', async () => {
  for (const headers of [{}, { range: 'bytes=0-1' }]) {
    const answer = await download(headers, 'HEAD')
    expect([answer.status, answer.bytes.length]).toEqual([200, 0])
    expect(answer.headers.get('content-length')).toBe(String(size))
    expect(answer.headers.get('etag')).toBe(etag)
  }
})

test('a download longer than its chunks is whole, and so is a range across them', async () => {
  const channels = Float32Array.from({ length: 300_000 }, (_, i) => i)
  const big = new Uint8Array(writeFcs({ parameters: [{ name: 'A' }], columns: [channels] }))
  const at = `${FILES}/${await me.file(big)}/download`
  const get = async (headers: Record<string, string>) => {
    const response = await api.app.handle(api.request('GET', at, { bearer: me.bearer, headers }))
    return await response.bytes()
  }
  expect(Buffer.compare(await get({}), big)).toBe(0)
  const range = await get({ range: 'bytes=200000-900000' })
  expect(Buffer.compare(range, big.subarray(200_000, 900_001))).toBe(0)
})
