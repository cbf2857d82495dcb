// Clients that are wrong, on purpose or not.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
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
  expect(answer.headers.get('tus-version')).toBe('1.0.0')
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
    await until(async () => {
      const waiting = await api.sql`
        select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
      return waiting.length === 1
    })
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

describe('a piece that breaks off before anything was done with it', () => {
  const brokenOff = (at: string, bearer: string) => {
    const headers = { ...PIECE, 'upload-offset': '0' }
    const piece = api.request('PATCH', at, { bearer, headers, body: whole })
    return api.app.handle(new Request(piece, { signal: AbortSignal.abort() }))
  }
  const endOf = async (at: string) =>
    (await api.sql`select expires_at::text as at from uploads where id = ${idOf(at)}`)[0]?.at

  test("does not make somebody else's upload last longer", async () => {
    const at = await tus.begun(whole.length)
    const end = await endOf(at)
    await brokenOff(at, (await cytometrist(api)).bearer)
    expect(await endOf(at)).toBe(end)
    await brokenOff(at, owner.bearer)
    expect(await endOf(at)).not.toBe(end)
  })

  test('does not bring back an upload that was given up', async () => {
    const at = await tus.begun(whole.length)
    expect((await tus.end(at)).status).toBe(204)
    await brokenOff(at, owner.bearer)
    expect((await tus.head(at)).status).toBe(404)
    expect((await owner.get(`${FILES}/${idOf(at)}`)).status).toBe(404)
  })
})

test('an upload whose bytes are lost is 410, so that its client begins anew', async () => {
  const at = await tus.begun(whole.length)
  await rm(join(api.parts, idOf(at)))
  expect([(await tus.head(at)).status, (await tus.piece(at, 0, whole)).status]).toEqual([410, 410])
})
