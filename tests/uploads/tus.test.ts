import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cytometrist, FILES, fcsBytes, UPLOAD } from '../files/kit.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { until } from '../kit/service.ts'
import { idOf, type Pieces, pieces, UPLOADS } from './kit.ts'

const MOST = 1_000_000

let api: TestApp
let owner: Awaited<ReturnType<typeof cytometrist>>
let stranger: typeof owner
let tus: Pieces
beforeAll(async () => {
  api = await testApp({ maxUploadBytes: MOST })
  owner = await cytometrist(api)
  stranger = await cytometrist(api)
  tus = pieces(api, owner.bearer)
  await api.app.decorator.finishing.start()
})
afterAll(() => api.close())

const whole = fcsBytes()
const fileOf = (at: string) => `${FILES}/${idOf(at)}`
const state = async (at: string) =>
  (await api.sql`select state from uploads where id = ${idOf(at)}`)[0]?.state

/** Resolves when the file is ready or has failed, to what is shown of it. */
async function finished(at: string) {
  await owner.get(`${fileOf(at)}/progress`)
  return (await owner.get(fileOf(at))).body.data
}

test('the first piece may come with the beginning, and be all of it', async () => {
  const begun = await tus.begin(whole.length, { body: whole })
  expect([begun.status, begun.headers.get('upload-offset')]).toEqual([201, String(whole.length)])
  expect((await finished(begun.headers.get('location') ?? '')).status).toBe('ready')
})

test('an upload is answered for as whole when its last answer was lost, before and after it is a file', async () => {
  const at = await tus.begun(whole.length)
  await tus.piece(at, 0, whole)
  const again = async () => {
    const head = await tus.head(at)
    const [same, next] = [
      await tus.piece(at, 0, whole),
      await tus.piece(at, whole.length, new Uint8Array()),
    ]
    expect([head.status, head.headers.get('upload-offset')]).toEqual([200, String(whole.length)])
    expect(head.headers.get('upload-length')).toBe(String(whole.length))
    expect([same.status, next.status]).toEqual([409, 204])
  }
  await again()
  await finished(at)
  await again()
  const jobs = await api.sql`select from public_jobs.job where data->>'id' = ${idOf(at)}`
  expect(jobs.length).toBe(1)
  expect((await finished(at)).status).toBe('ready')
})

test('what an instance that was killed left behind does not stop the next one', async () => {
  const at = await tus.begun(whole.length)
  await writeFile(join(api.folder, `${idOf(at)}.part`), 'half')
  await tus.piece(at, 0, whole)
  expect((await finished(at)).status).toBe('ready')
})

test('an upload is as unknown as none to anybody but its owner', async () => {
  const at = await tus.begun(whole.length)
  const theirs = pieces(api, stranger.bearer)
  for (const path of [at, `${UPLOADS}/${crypto.randomUUID()}`, `${UPLOADS}/x`]) {
    const answers = [
      await theirs.head(path),
      await theirs.piece(path, 0, whole),
      await theirs.end(path),
    ]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
  }
  expect((await tus.head(at)).headers.get('upload-offset')).toBe('0')
  await tus.piece(at, 0, whole)
  await finished(at)
  for (const path of [at, fileOf(at), `${fileOf(at)}/progress`]) {
    expect((await stranger.get(path)).status).toBe(path === at ? 405 : 404)
  }
})

const name = 'filename YS5mY3M='
test.each([
  [412, 'without the version of the protocol', { 'upload-length': '9', 'upload-metadata': name }],
  [400, 'without a length', { 'tus-resumable': '1.0.0', 'upload-metadata': name }],
  [
    400,
    'of a length that is none',
    { 'tus-resumable': '1.0.0', 'upload-length': '-1', 'upload-metadata': name },
  ],
  [
    413,
    'larger than a file may be',
    { 'tus-resumable': '1.0.0', 'upload-length': String(MOST + 1), 'upload-metadata': name },
  ],
  [422, 'without a name', { 'tus-resumable': '1.0.0', 'upload-length': '9' }],
  [
    422,
    'whose name is a path to nothing',
    { 'tus-resumable': '1.0.0', 'upload-length': '9', 'upload-metadata': 'filename Li4=' },
  ],
  [
    412,
    'by another version of the protocol',
    { 'tus-resumable': '0.2.2', 'upload-length': '9', 'upload-metadata': name },
  ],
  [
    400,
    'whose length is to follow',
    { 'tus-resumable': '1.0.0', 'upload-defer-length': '1', 'upload-metadata': name },
  ],
  [
    400,
    'that is part of another one',
    { 'tus-resumable': '1.0.0', 'upload-length': '9', 'upload-concat': 'partial' },
  ],
])('%d, in the envelope, for an upload %s', async (status, _, headers) => {
  const rows = async () => (await api.sql`select from uploads`).length
  const before = await rows()
  const answer = await api.call('POST', UPLOADS, { bearer: owner.bearer, headers })
  expect([answer.status, answer.body.success, answer.headers.get('tus-resumable')]).toEqual([
    ...[status, false, '1.0.0'],
  ])
  expect(await rows()).toBe(before)
})

test('an upload that is a file is deleted as one', async () => {
  const at = await tus.begun(whole.length)
  await tus.piece(at, 0, whole)
  await finished(at)
  expect((await tus.end(at)).status).toBe(400)
  expect((await api.call('DELETE', fileOf(at), { bearer: owner.bearer })).status).toBe(200)
  expect([(await tus.head(at)).status, (await owner.get(fileOf(at))).status]).toEqual([404, 404])
  expect((await readdir(api.folder)).filter((name) => name === idOf(at))).toEqual([])
})

test.each([
  ['no FCS file', new TextEncoder().encode('certainly something else')],
  ['a file that is cut off', whole.slice(0, -9)],
  ['an empty one', new Uint8Array()],
])(
  '%s has failed for the reason that one request would have been refused for',
  async (_, bytes) => {
    const refused = await owner.upload(bytes)
    const at = await tus.begun(bytes.length)
    if (bytes.length > 0) await tus.piece(at, 0, bytes)
    const file = await finished(at)
    expect([refused.status, file.status]).toEqual([422, 'failed'])
    expect(file.failure).toEqual({
      reason: refused.body.data.reason,
      message: refused.body.message,
    })
    const kept = [...(await readdir(api.parts)), ...(await readdir(api.folder))]
    expect(kept.filter((name) => name.startsWith(idOf(at)))).toEqual([])
    expect((await owner.get(`/api/v1/fcs/events?file_id=${idOf(at)}`)).status).toBe(404)
    expect((await api.call('DELETE', fileOf(at), { bearer: owner.bearer })).status).toBe(200)
    expect((await owner.get(fileOf(at))).status).toBe(404)
  },
)

test('an upload that the database can not tell of at the moment is 423, so that its client asks again', async () => {
  const at = await tus.begun(whole.length)
  await api.sql.begin(async (tx) => {
    await tx`lock table uploads in access exclusive mode`
    const asked = tus.head(at)
    await until(async () => {
      const ended = await api.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`
      return ended.length > 0
    })
    expect((await asked).status).toBe(423)
  })
  expect((await tus.head(at)).headers.get('upload-offset')).toBe('0')
})

test('what there is of tus is told without a token, as browsers ask it', async () => {
  const { status, headers } = await api.call('OPTIONS', UPLOADS)
  expect([
    status,
    headers.get('tus-version'),
    headers.get('tus-max-size'),
    headers.get('allow'),
  ]).toEqual([...[204, '1.0.0', String(MOST), 'OPTIONS, POST']])
  expect(headers.get('tus-extension')?.split(',').sort()).toEqual([
    ...['creation', 'creation-with-upload', 'expiration', 'termination'],
  ])
  expect(headers.has('access-control-allow-origin')).toBe(false)
})

test('every piece leaves its audit row, and a token without the scope sends none', async () => {
  const { id, token } = await api.token(owner.user, ['fcs:write'])
  const at = await pieces(api, token).begun(whole.length)
  await pieces(api, token).piece(at, 0, whole)
  const rows = await api.auditOf(id)
  expect(rows.map(({ method, status_code }) => [method, status_code])).toEqual([
    ['POST', 201],
    ['PATCH', 204],
  ])
  const reader = await api.token(owner.user, ['fcs:read'])
  expect((await pieces(api, reader.token).head(at)).status).toBe(403)
})

test('one request uploads as before, and shows no upload', async () => {
  const answer = await api.call('POST', `${UPLOAD}?filename=a.fcs`, {
    bearer: owner.bearer,
    body: whole,
    headers: { 'content-type': 'application/octet-stream' },
  })
  expect(Object.keys(answer.body.data)).toEqual([
    'file_id',
    'filename',
    'total_events',
    'total_parameters',
  ])
  expect(await state(answer.body.data.file_id)).toBeUndefined()
  const followed = await owner.get(`${FILES}/${answer.body.data.file_id}/progress`)
  expect(followed.headers.get('content-type')).toBe('text/event-stream')
  expect(followed.text).toBe('data: {"status":"ready","progress":1,"failure":null}\n\n')
})
