import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import fc from 'fast-check'
import { type Call, type TestApp, testApp } from '../kit/app.ts'
import { headerField, small } from '../kit/fcs-examples.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { cytometrist, END, FILE, FORM, fcsBytes, inPieces, part, RAW, UPLOAD } from './kit.ts'

const MAX = 20_000
let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp({ maxUploadBytes: MAX })
  me = await cytometrist(api)
})
afterAll(() => api.close())

const expectNothingKept = async () => {
  expect(await readdir(api.folder)).toEqual([])
  expect(await api.sql`select id from fcs_files`).toBeEmpty()
}
afterEach(expectNothingKept)

const post = (call: Call) =>
  api.call('POST', `${UPLOAD}?filename=a.fcs`, { bearer: me.bearer, ...call })
const join = (...pieces: Uint8Array[]) => new Uint8Array(Buffer.concat(pieces))
/** FCS bytes that are too many, after a beginning that is right. */
const large = (bytes: number) => join(fcsBytes(), new Uint8Array(bytes - fcsBytes().length))

const ATTACHED = Buffer.from(`--XX\r\nContent-Disposition: attachment; ${FILE}\r\n\r\nx\r\n`)

const FORMS: [string, number, Uint8Array<ArrayBuffer>][] = [
  ['no parts at all', 422, join(END)],
  ['a file of another name', 422, join(part('name="data"; filename="a.fcs"'), END)],
  ['a file of no name', 422, join(part('filename="a.fcs"'), END)],
  ['a file without a filename', 422, join(part('name="file"'), END)],
  ['a file with an empty filename', 422, join(part('name="file"; filename=""'), END)],
  ['a part that is no form-data', 422, join(ATTACHED, END)],
  ['two files', 422, join(part(FILE), part(FILE), END)],
  ['a field before the file', 422, join(part('name="note"', 'x'), part(FILE), END)],
  ['a field after the file', 422, join(part(FILE), part('name="note"', 'x'), END)],
  [
    'headers of 20,000 bytes',
    422,
    join(part(FILE, fcsBytes(), `X-Pad: ${'a'.repeat(20_000)}\r\n`), END),
  ],
  ['nothing', 400, join()],
  ['other text', 400, join(Buffer.from('hello'))],
  ['an end inside the first boundary', 400, join(part(FILE)).slice(0, 3)],
  ['an end inside the part’s headers', 400, join(part(FILE)).slice(0, 30)],
  ['an end inside the file', 400, join(part(FILE)).slice(0, 300)],
  ['an end before the last boundary', 400, join(part(FILE))],
  ['an end inside the last boundary', 400, join(part(FILE), END.subarray(0, 4))],
]

test.each(FORMS)(
  'security 22: a multipart body with %s is refused with %d',
  async (_, status, body) => {
    for (const length of [7, 1 << 20]) {
      const answer = await post({ body: inPieces(body, length), headers: FORM })
      expect(answer.status).toBe(status)
      expect(answer.body.message).toBeString()
      await expectNothingKept()
    }
  },
)

test.each(['', '; boundary=', '; boundary=""', `; boundary=${'x'.repeat(71)}`, '; bound=XX'])(
  'a multipart body whose type ends in “%s” has no boundary, and is 400',
  async (end) => {
    const headers = { 'content-type': `multipart/form-data${end}` }
    expect((await post({ body: join(part(FILE), END), headers })).status).toBe(400)
  },
)

const NO_FCS: [string, string, Uint8Array<ArrayBuffer>][] = [
  ['nothing', 'truncated', join()],
  ['a picture', 'not_fcs', join(Buffer.from('\x89PNG\r\n\x1a\n then some more'))],
  ['FCS of an unknown version', 'version', join(writeFcs({ ...small, version: 'FCS9.9' }))],
  ['half a HEADER', 'truncated', fcsBytes().slice(0, 40)],
  ['half a TEXT', 'truncated', fcsBytes().slice(0, 200)],
  ['all but its last byte', 'truncated', fcsBytes().slice(0, -1)],
  [
    'more events claimed than DATA holds',
    'tot',
    join(writeFcs({ ...small, keywords: { $TOT: '6' } })),
  ],
  [
    'TEXT far past its end',
    'truncated',
    join(writeFcs({ ...small, header: headerField(1, 3_000_000) })),
  ],
  ['no $PAR', 'keyword', join(writeFcs({ ...small, omit: ['$PAR'] }))],
  ['a histogram', 'mode', join(writeFcs({ ...small, keywords: { $MODE: 'C' } }))],
]

test.each(NO_FCS)(
  'security 22: a file with %s is 422 with the reason %s, in words',
  async (_, reason, file) => {
    for (const sent of [
      { body: file, headers: RAW },
      { body: inPieces(file, 9), headers: RAW },
      { body: join(part(FILE, file), END), headers: FORM },
    ]) {
      const answer = await post(sent)
      expect([answer.status, answer.body.data?.reason]).toEqual([422, reason])
      expect(answer.body.message).toMatch(/^[A-Z$].{15,}\.$/)
      await expectNothingKept()
    }
  },
)

const LARGE: [string, () => Call][] = [
  [
    'announced',
    () => ({ body: large(MAX + 1), headers: { ...RAW, 'content-length': `${MAX + 1}` } }),
  ],
  ['streamed', () => ({ body: inPieces(large(MAX + 1), 999), headers: RAW })],
  [
    'streamed after a small announcement',
    () => ({ body: inPieces(large(MAX + 1), 999), headers: { ...RAW, 'content-length': '5' } }),
  ],
  [
    'in a form',
    () => ({ body: inPieces(join(part(FILE, large(MAX + 1)), END), 999), headers: FORM }),
  ],
  ['in bytes before the form', () => ({ body: endless(), headers: FORM })],
  ['in bytes after the form', () => ({ body: endless(join(part(FILE), END)), headers: FORM })],
]

/** Never ends: only a refusal stops it. */
function endless(start = new Uint8Array(1)) {
  return new ReadableStream({
    start: (controller) => controller.enqueue(start),
    pull: (controller) => controller.enqueue(new Uint8Array(1000)),
  })
}

test.each(LARGE)('security 22: a body over the limit, %s, is 413', async (_, call) => {
  const answer = await post(call())
  expect(answer.status).toBe(413)
  expect(answer.body.message).toContain(String(MAX))
})

test.each([
  ['raw', RAW, new Uint8Array(100)],
  ['in a form', FORM, join(part(FILE, new Uint8Array(100)))],
])(
  'a body %s that goes on after it can’t be FCS any more is read no further',
  async (_, headers, start) => {
    let pulled = 0
    let cancelled = false
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(start),
      pull(controller) {
        pulled++
        controller.enqueue(new Uint8Array(100))
      },
      cancel() {
        cancelled = true
      },
    })
    expect((await post({ body, headers })).status).toBe(422)
    expect(pulled).toBeLessThan(10)
    expect(cancelled).toBe(true)
  },
)

test('security 22: a body that breaks off is 400, and its use of the token is recorded once', async () => {
  const { id, token } = await api.token(me.user, ['fcs:write'])
  for (const [headers, start] of [
    [RAW, fcsBytes().slice(0, 200)],
    [FORM, join(part(FILE)).slice(0, 200)],
  ] as const) {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(start),
      pull: (controller) => controller.error(new Error('the connection is gone')),
    })
    const answer = await post({ bearer: token, body, headers })
    expect([answer.status, answer.text.includes('gone')]).toEqual([400, false])
  }
  const rows = await api.auditOf(id)
  expect(rows.map((row) => [row.status_code, row.authorized])).toEqual([
    [400, true],
    [400, true],
  ])
})

test('security 22: any damage to a file ends in an answer, never in a fault', async () => {
  const mutation = fc.tuple(fc.nat(fcsBytes().length - 1), fc.nat(255))
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (changes) => {
      const file = fcsBytes()
      for (const [at, byte] of changes) file[at] = byte
      const answer = await post({ body: file, headers: RAW })
      expect([201, 422]).toContain(answer.status)
      if (answer.status === 422) return expectNothingKept()
      const path = `/api/v1/fcs/files/${answer.body.data.file_id}`
      const events = await me.get(`/api/v1/fcs/events?file_id=${answer.body.data.file_id}`)
      expect(events.body.data.events).toHaveLength(answer.body.data.total_events)
      expect((await api.call('DELETE', path, { bearer: me.bearer })).status).toBe(200)
    }),
    { numRuns: 100 },
  )
})
