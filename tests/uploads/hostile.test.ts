// Clients that are wrong, on purpose or not.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cytometrist, FILES, fcsBytes } from '../files/kit.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { until } from '../kit/service.ts'
import { idOf, named, PIECE, type Pieces, pieces, TUS, UPLOADS } from './kit.ts'

const whole = fcsBytes()

let api: TestApp
let owner: Awaited<ReturnType<typeof cytometrist>>
let tus: Pieces
beforeAll(async () => {
  api = await testApp({ maxStorageBytesPerUser: 1_000_000 })
  owner = await cytometrist(api)
  tus = pieces(api, owner.bearer)
  await api.app.decorator.finishing.start()
})
afterAll(() => api.close())

const offset = async (at: string, by = tus) => (await by.head(at)).headers.get('upload-offset')
const rowOf = async (at: string) =>
  (await api.sql`select holder, wanted, expires_at from uploads where id = ${idOf(at)}`)[0]
const isOneWaiting = async () => {
  const waiting = await api.sql`
    select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  return waiting.length === 1
}

test("what follows the id of one's own upload in the URL does not lead to another's", async () => {
  const theirs = await tus.begun(whole.length)
  await tus.piece(theirs, 0, whole.slice(0, 9))
  const stranger = pieces(api, (await cytometrist(api)).bearer)
  for (const query of [`x=/${idOf(theirs)}`, `/${idOf(theirs)}/`, 'x=1', '%zz']) {
    const own = await stranger.begun(20)
    const astray = `${own}?${query}`
    expect(await offset(astray, stranger)).toBe('0')
    const piece = await stranger.piece(astray, 0, whole.slice(0, 10))
    expect([piece.status, piece.headers.get('upload-offset')]).toEqual([204, '10'])
    expect(await offset(own, stranger)).toBe('10')
    expect((await stranger.end(astray)).status).toBe(204)
    expect((await stranger.head(own)).status).toBe(404)
    expect(await offset(theirs)).toBe('9')
  }
})

test('an id in capitals is that of the same upload, and of the same file', async () => {
  const at = await tus.begun(whole.length)
  const capitals = at.replace(idOf(at), idOf(at).toUpperCase())
  expect((await tus.piece(capitals, 0, whole.slice(0, 9))).status).toBe(204)
  expect(await offset(at)).toBe('9')
  expect((await tus.piece(capitals, 9, whole.slice(9))).status).toBe(204)
  const file = `${FILES}/${idOf(capitals)}`
  await owner.get(`${file}/progress`)
  expect(await readdir(api.folder)).toContain(idOf(at))
  expect((await owner.get(`/api/v1/fcs/events?file_id=${idOf(capitals)}`)).status).toBe(200)
  expect((await owner.get(`${file}/download`)).status).toBe(200)
  expect((await api.call('DELETE', file, { bearer: owner.bearer })).status).toBe(200)
  expect(await readdir(api.folder)).not.toContain(idOf(at))
})

test.each([
  [415, 'of another content type', { ...TUS, 'content-type': 'text/plain', 'upload-offset': '0' }],
  [415, 'of none', { ...TUS, 'upload-offset': '0' }],
  [400, 'that does not say where it begins', PIECE],
  [400, 'that begins before the file', { ...PIECE, 'upload-offset': '-1' }],
  [
    400,
    'that gives the upload another length',
    { ...PIECE, 'upload-offset': '0', 'upload-length': '3' },
  ],
  [
    412,
    'without the version of the protocol',
    { ...PIECE, 'tus-resumable': '', 'upload-offset': '0' },
  ],
])('%d, with what the protocol wants, for a piece %s', async (status, _, headers) => {
  const at = await tus.begun(9)
  const answer = await api.call('PATCH', at, {
    ...{ bearer: owner.bearer, headers, body: new Uint8Array([1, 2, 3]) },
  })
  expect([answer.status, answer.body.success]).toEqual([status, false])
  expect(answer.headers.get('tus-resumable')).toBe('1.0.0')
  expect(answer.headers.get('tus-version')).toBe(status === 412 ? '1.0.0' : null)
  expect(await offset(at)).toBe('0')
  await tus.end(at)
})

test('an upload whose first piece is refused takes no room, for its client never hears where it is', async () => {
  const headers = { ...PIECE, 'upload-length': '999000', 'upload-metadata': named('a.fcs') }
  const begin = (length: number) =>
    api.call('POST', UPLOADS, { bearer: owner.bearer, headers, body: new Uint8Array(length) })
  const before = await readdir(api.parts)
  expect((await begin(999_001)).status).toBe(413)
  const kept = await begin(9)
  expect(kept.status).toBe(201)
  await tus.end(kept.headers.get('location') ?? '')
  // Its bytes go with its row.
  await api.sql`update uploads set held_until = now()`
  await api.app.decorator.uploadSweep.once()
  expect(await readdir(api.parts)).toEqual(before)
})

test('what proxies say of the way that a request came is no reason to refuse an upload', async () => {
  const headers = { ...TUS, 'upload-length': '9', 'upload-metadata': named('a.fcs') }
  const begun = await api.call('POST', UPLOADS, {
    ...{ bearer: owner.bearer, headers: { ...headers, 'x-forwarded-proto': 'https, http' } },
  })
  expect(begun.status).toBe(201)
})

test('a file that is deleted while it is made leaves no bytes', async () => {
  const at = await tus.begun(whole.length)
  let ended = 0
  await api.sql.begin(async (tx) => {
    await tx`lock table fcs_leftovers in exclusive mode`
    await tus.piece(at, 0, whole)
    await until(isOneWaiting)
    ended = (await api.sql`delete from uploads where id = ${idOf(at)} and state = 'processing'`)
      .count
  })
  expect(ended).toBe(1)
  await until(async () => {
    const [job] = await api.sql`select state from public_jobs.job where data->>'id' = ${idOf(at)}`
    return job?.state === 'completed'
  })
  const left = [...(await readdir(api.folder)), ...(await readdir(api.parts))]
  expect(left.filter((name) => name.startsWith(idOf(at)))).toEqual([])
})

test('a request that finds an upload taken while it waited for its row waits until that is over', async () => {
  const at = await tus.begun(whole.length)
  const other = crypto.randomUUID()
  let answered = false
  const { sent } = await api.sql.begin(async (tx) => {
    await tx`select from uploads where id = ${idOf(at)} for update`
    const sent = tus.piece(at, 0, whole.slice(0, 9)).finally(() => {
      answered = true
    })
    await until(isOneWaiting)
    await tx`
      update uploads set holder = ${other}, held_until = clock_timestamp() + interval '10 seconds'
      where id = ${idOf(at)}`
    return { sent }
  })
  await until(async () => answered || (await rowOf(at))?.wanted)
  expect([answered, (await rowOf(at))?.holder]).toEqual([false, other])
  await api.sql`update uploads set held_until = null where id = ${idOf(at)}`
  expect((await sent).status).toBe(204)
})

test('a piece that ends after its upload was given up does not bring it back', async () => {
  const at = await tus.begun(whole.length)
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const sent = tus.piece(at, 0, readable)
  await until(async () => (await rowOf(at))?.holder !== null)
  // As if its instance had stood still for longer than it may.
  await api.sql`update uploads set holder = null, held_until = null where id = ${idOf(at)}`
  expect((await tus.end(at)).status).toBe(204)
  const writer = writable.getWriter()
  await writer.write(whole.slice(0, 9))
  await writer.close()
  expect((await sent).status).toBe(404)
  expect([(await tus.head(at)).status, (await owner.get(`${FILES}/${idOf(at)}`)).status]).toEqual([
    ...[404, 404],
  ])
})

test("a piece for another's upload that is broken off keeps that no longer", async () => {
  const theirs = await tus.begun(whole.length)
  const stranger = await cytometrist(api)
  const before = await rowOf(theirs)
  const leaving = new AbortController()
  leaving.abort()
  const headers = { ...PIECE, 'upload-offset': '0' }
  const made = api.request('PATCH', theirs, { bearer: stranger.bearer, headers, body: whole })
  const answer = await api.app.handle(new Request(made, { signal: leaving.signal }))
  expect(answer.status).toBe(404)
  expect(await rowOf(theirs)).toEqual(before)
})

test('an upload that was given up is gone also when the clock of the database is set back', async () => {
  const at = await tus.begun(whole.length)
  expect((await tus.end(at)).status).toBe(204)
  // What a clock that was set back by a year would say of it.
  const [row] = await api.sql`
    select expires_at > now() - interval '1 year' as shown from uploads where id = ${idOf(at)}`
  expect(row?.shown).toBe(false)
})

test('an upload whose bytes are lost is 410, so that its client begins anew, and can be given up', async () => {
  const at = await tus.begun(whole.length)
  await rm(join(api.parts, idOf(at)))
  expect([(await tus.head(at)).status, (await tus.piece(at, 0, whole)).status]).toEqual([410, 410])
  expect([(await tus.end(at)).status, (await tus.head(at)).status]).toEqual([204, 404])
})
