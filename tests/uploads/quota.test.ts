import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { cytometrist, FILES, fcsBytes, inPieces, RAW, UPLOAD } from '../files/kit.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { until } from '../kit/service.ts'
import { idOf, pieces } from './kit.ts'

const whole = fcsBytes()
const size = whole.length
/** Room for three files, and not for four. */
const limit = 3 * size + 1

let api: TestApp
beforeAll(async () => {
  api = await testApp({ maxStorageBytesPerUser: limit })
  await api.app.decorator.finishing.start()
})
afterAll(() => api.close())

const refused = (used: number) => ({
  success: false,
  error: 'Payload Too Large',
  message: `Your files and uploads may have at most ${limit} bytes`,
  data: { reason: 'storage_quota', limit_bytes: limit, used_bytes: used },
})

test('files and uploads under way count together, and what is refused takes no room', async () => {
  const owner = await cytometrist(api)
  const tus = pieces(api, owner.bearer)
  await owner.file()
  const at = await tus.begun(size)
  const tooMuch = await tus.begin(size + 2)
  expect(tooMuch.body).toMatchObject(refused(2 * size))
  expect(tooMuch.headers.get('tus-resumable')).toBe('1.0.0')
  await tus.begun(size)
  expect([(await tus.begin(2)).status, (await tus.begin(1)).status]).toEqual([413, 201])
  expect((await owner.upload(whole)).body).toMatchObject(refused(limit))

  expect((await tus.end(at)).status).toBe(204)
  expect((await owner.upload(whole)).status).toBe(201)
  const other = await cytometrist(api)
  expect((await other.upload(whole)).status).toBe(201)
})

test('a length that is given twice, as servers take it, is not too much', async () => {
  const { bearer } = await cytometrist(api)
  const headers = { ...RAW, 'content-length': `${size}, ${size}` }
  const answer = await api.call('POST', `${UPLOAD}?filename=a.fcs`, {
    bearer,
    headers,
    body: whole,
  })
  expect(answer.status).toBe(201)
})

test('an upload keeps its room while it becomes a file, and gives it back when it fails or is deleted', async () => {
  const owner = await cytometrist(api)
  const tus = pieces(api, owner.bearer)
  const at = await tus.begun(2 * size)
  await tus.piece(at, 0, new Uint8Array(2 * size))
  const id = idOf(at)
  expect((await owner.get(`${FILES}/${id}/progress`)).text).toContain('"failed"')
  const files = [await owner.file(), await owner.file()]
  const third = await tus.begun(size)
  await tus.piece(third, 0, whole)
  expect((await tus.begin(size)).body).toMatchObject(refused(3 * size))
  await owner.get(`${third.replace('uploads', 'files')}/progress`)
  expect((await tus.begin(size)).body).toMatchObject(refused(3 * size))
  await api.call('DELETE', `${FILES}/${files[0]}`, { bearer: owner.bearer })
  expect((await tus.begin(size)).status).toBe(201)
})

test('an upload whose client never heard where it is gives its room back after an hour, and one that it came back to does not', async () => {
  const owner = await cytometrist(api)
  const tus = pieces(api, owner.bearer)
  const age = (interval: string) =>
    api.sql`update uploads set expires_at = expires_at - ${interval}::interval`
  const sweep = () => api.app.decorator.uploadSweep.once()

  // Its answer is withheld, for its row in the log can't be written.
  await api.sql`alter table audit_log rename to gone`
  const unheard = await tus.begin(size)
  await api.sql`alter table gone rename to audit_log`
  expect([unheard.status, unheard.headers.has('location')]).toEqual([503, false])
  const [heard, begun] = [await tus.begun(size), await tus.begin(size, { body: whole.slice(0, 9) })]
  expect((await tus.begin(size)).body).toMatchObject(refused(3 * size))
  expect(Date.parse(begun.headers.get('upload-expires') ?? '') - Date.now()).toBeWithin(
    3.5e6,
    3.6e6,
  )
  // Also a piece that is refused says that somebody knows of it.
  expect((await tus.piece(heard, 1, whole)).status).toBe(409)

  await age('59 minutes')
  await sweep()
  expect((await tus.begin(size)).body).toMatchObject(refused(3 * size))
  await age('1 minute')
  await sweep()
  expect((await tus.head(begun.headers.get('location') ?? '')).status).toBe(404)
  expect((await tus.begin(2 * size)).status).toBe(201)
  expect((await tus.head(heard)).status).toBe(200)
})

test('of many uploads at once, of both kinds, as many pass as there is room for', async () => {
  const owner = await cytometrist(api)
  const tus = pieces(api, owner.bearer)
  const before = await readdir(api.folder)
  const atOnce = (body: ReadableStream) =>
    api.call('POST', `${UPLOAD}?filename=a.fcs`, { bearer: owner.bearer, body, headers: RAW })
  const wait = async () =>
    (
      await api.sql`
        select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
    ).length
  let answers: Promise<{ status: number }[]> = Promise.resolve([])
  // What there is can be read and nothing added, until every one of them waits.
  await api.sql.begin(async (tx) => {
    await tx`lock table fcs_files, uploads in share mode`
    answers = Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        // Without a length beforehand, so that it is known at the end alone.
        i % 2 === 0 ? atOnce(inPieces(whole, 100)) : tus.begin(size),
      ),
    )
    await until(async () => (await wait()) === 8)
  })
  expect((await answers).map(({ status }) => status).sort()).toEqual([
    ...Array(3).fill(201),
    ...Array(5).fill(413),
  ])
  const files = (await owner.get(FILES)).body.data.total
  expect((await readdir(api.folder)).length - before.length).toBe(files)
})

test('a file that is known to be too much is refused before its bytes are read', async () => {
  const owner = await cytometrist(api)
  await owner.file()
  await owner.file()
  await owner.file(whole)
  let read = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        read++
        controller.enqueue(whole)
      },
    },
    { highWaterMark: 0 },
  )
  const headers = { ...RAW, 'content-length': String(100_000) }
  const answer = await api.call('POST', `${UPLOAD}?filename=a.fcs`, {
    bearer: owner.bearer,
    body,
    headers,
  })
  expect([answer.status, read]).toEqual([413, 0])
})
