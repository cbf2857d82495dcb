import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'
import { cytometrist, fcsBytes } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
})
afterAll(() => api.close())

const tagOf = (bytes: Uint8Array) =>
  `"${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}"`
const sample = Bun.file(new URL('../../data/sample.fcs', import.meta.url))

test.each(['parameters', 'statistics'])(
  'GET /%s has the tag of the file’s bytes, and is 304 to who has it',
  async (what) => {
    const known = [
      [`/api/v1/fcs/${what}`, tagOf(await sample.bytes())],
      [`/api/v1/fcs/${what}?file_id=${await me.file()}`, tagOf(fcsBytes())],
    ] as const
    for (const [path, etag] of known) {
      const first = await me.get(path)
      expect([first.status, first.headers.get('etag')]).toEqual([200, etag])
      for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const again = await me.get(path, { 'if-none-match': tag })
        expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
        expect(again.headers.get('cache-control')).toBe('no-store')
      }
      const other = await me.get(path, { 'if-none-match': '"x"' })
      expect([other.status, other.text]).toEqual([200, first.text])
    }
  },
)

test('another’s file is 404 whatever tag is sent', async () => {
  const id = await (await cytometrist(api)).file()
  const headers = { 'if-none-match': '*' }
  expect((await me.get(`/api/v1/fcs/parameters?file_id=${id}`, headers)).status).toBe(404)
  expect((await me.get(`/api/v1/fcs/statistics?file_id=${id}`, headers)).status).toBe(404)
})
