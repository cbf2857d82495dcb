import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { type TestApp, testApp } from '../kit/app.ts'
import {
  cytometrist,
  END,
  FILE,
  FILES,
  FORM,
  fcsBytes,
  inPieces,
  part,
  RAW,
  UPLOAD,
} from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
})
afterAll(() => api.close())

const form = () => {
  const body = new FormData()
  body.set('file', new File([fcsBytes()], 'cells.fcs'))
  return body
}

test.each([
  ['multipart as a browser sends it', UPLOAD, () => ({ body: form() })],
  ['raw', `${UPLOAD}?filename=cells.fcs`, () => ({ body: fcsBytes(), headers: RAW })],
  [
    'raw without a Content-Length',
    `${UPLOAD}?filename=cells.fcs`,
    () => ({ body: inPieces(fcsBytes(), 100), headers: RAW }),
  ],
  [
    'raw as an FCS type with a parameter',
    `${UPLOAD}?filename=cells.fcs`,
    () => ({ body: fcsBytes(), headers: { 'content-type': 'Application/VND.isac.fcs; v=3.1' } }),
  ],
])(
  'an upload %s is answered 201 with where it is, and comes back as it was',
  async (_, path, sent) => {
    const answer = await api.call('POST', path, { bearer: me.bearer, ...sent() })
    const id = answer.body.data?.file_id
    expect(answer.body).toEqual({
      success: true,
      data: { file_id: id, filename: 'cells.fcs', total_events: 5, total_parameters: 3 },
    })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('location')).toBe(`${FILES}/${id}`)

    const shown = await me.get(`${FILES}/${id}`)
    const sha256 = new Bun.CryptoHasher('sha256').update(fcsBytes()).digest('hex')
    expect(shown.body.data).toMatchObject({
      ...{ id, filename: 'cells.fcs', size_bytes: fcsBytes().length, sha256 },
      ...{ total_events: 5, total_parameters: 3, version: 'FCS3.1', warnings: [] },
    })
    expect(shown.body.data.keywords).toMatchObject({ $PAR: '3', $P2S: 'CD4 PE' })
    const { request } = api
    const sentBack = await api.app.handle(
      request('GET', `${FILES}/${id}/download`, { bearer: me.bearer }),
    )
    expect(await sentBack.bytes()).toEqual(fcsBytes())
  },
)

test.each([
  ['no type', undefined],
  ['text', 'text/plain'],
  ['what curl sends unasked', 'application/x-www-form-urlencoded'],
  ['another multipart', 'multipart/mixed; boundary=XX'],
  ['a type that only begins right', 'application/octet-stream-not'],
])('an upload as %s is 415', async (_, type) => {
  const { status } = await api.call('POST', `${UPLOAD}?filename=a.fcs`, {
    bearer: me.bearer,
    body: fcsBytes(),
    headers: type === undefined ? {} : { 'content-type': type },
  })
  expect(status).toBe(415)
})

test('a raw upload without a name is 422', async () => {
  for (const query of [
    '',
    '?filename=',
    '?filename=%20',
    '?filename=..',
    '?filename=a%2F',
    '?filename=%00',
  ]) {
    const answer = await api.call('POST', UPLOAD + query, {
      ...{ bearer: me.bearer, body: fcsBytes(), headers: RAW },
    })
    expect([query, answer.status]).toEqual([query, 422])
  }
})

const LABELS = [
  ['a path', '../../x.fcs', 'x.fcs'],
  ['a Windows path', 'C:\\data\\x.fcs', 'x.fcs'],
  ['an absolute path', '/etc/passwd', 'passwd'],
  ['CR, LF and NUL', 'a\r\nSet-Cookie: b\0.fcs', 'aSet-Cookie: b.fcs'],
  ['an ANSI code', '\u001b[31mred.fcs', '[31mred.fcs'],
  ['marks that turn text round', 'a\u202escf.exe', 'ascf.exe'],
  ['a line separator', 'a\u2028b.fcs', 'ab.fcs'],
  ['Hebrew', 'דגימה.fcs', 'דגימה.fcs'],
  ['emoji joined', '👩🏽‍🔬 תא.fcs', '👩🏽‍🔬 תא.fcs'],
  ['quotes', `a"b'c.fcs`, `a"b'c.fcs`],
  ['space around', '  a.fcs ', 'a.fcs'],
  ['1,000 characters', '🧬'.repeat(1000), '🧬'.repeat(255)],
  ['a percent sign', '50%25.fcs', '50%25.fcs'],
] as const

test.each(LABELS)('security 22: a name with %s is a label only', async (_, name, label) => {
  const before = await readdir(api.folder)
  const answer = await me.upload(fcsBytes(), name)
  expect(answer.body.data.filename).toBe(label)
  const added = (await readdir(api.folder)).filter((entry) => !before.includes(entry))
  expect(added).toEqual([answer.body.data.file_id])

  const download = await me.get(`${FILES}/${answer.body.data.file_id}/download`)
  const disposition = download.headers.get('content-disposition') ?? ''
  expect(disposition).toMatch(
    /^attachment; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*"; filename\*=UTF-8''[\w!#$&+.^`|~%-]*$/,
  )
  expect(decodeURIComponent(disposition.split("''")[1] ?? '')).toBe(label)
})

test.each([
  ['quoted', 'filename="ж 🧬.fcs"', 'ж 🧬.fcs'],
  ['with escaped quotes', 'filename="a\\"b.fcs"', 'a"b.fcs'],
  ['of a whole path', 'filename="C:\\data\\x.fcs"', 'x.fcs'],
  ['without quotes', 'filename=x.fcs', 'x.fcs'],
  ['that speaks of a name', 'filename="; name=y.fcs"', '; name=y.fcs'],
  ['beside an encoded one', `filename="x.fcs"; filename*=UTF-8''y.fcs`, 'x.fcs'],
])('a multipart filename %s is read as its sender meant it', async (_, parameter, label) => {
  for (const disposition of [`name="file"; ${parameter}`, `${parameter}; name="file"`]) {
    const body = inPieces(Buffer.concat([part(disposition), END]), 11)
    const answer = await api.call('POST', UPLOAD, { bearer: me.bearer, body, headers: FORM })
    expect(answer.body.data?.filename).toBe(label)
  }
})

test('a multipart file is read alike however the network cuts it', async () => {
  const file = Buffer.concat([fcsBytes(), Buffer.from('\r\n--X\r\n--XY\r\n\r\n--')])
  const whole = Buffer.concat([
    Buffer.from('before\r\n'),
    part(FILE, file),
    END,
    Buffer.from('after'),
  ])
  for (const length of [1, 2, 3, 5, 7, 64, 300, whole.length]) {
    const answer = await api.call('POST', UPLOAD, {
      ...{ bearer: me.bearer, body: inPieces(whole, length), headers: FORM },
    })
    const { size_bytes } = (await me.get(answer.headers.get('location') ?? '')).body.data
    expect([length, answer.status, size_bytes]).toEqual([length, 201, file.length])
  }
})
