import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { type TestApp, testApp } from '../kit/app.ts'
import { cytometrist, FILES, fcsBytes, RAW, UPLOAD } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
let other: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
  other = await cytometrist(api)
})
afterAll(() => api.close())

const ROUTES = [
  ['GET', `${FILES}/ID`],
  ['HEAD', `${FILES}/ID`],
  ['DELETE', `${FILES}/ID`],
  ['GET', `${FILES}/ID/download`],
  ['HEAD', `${FILES}/ID/download`],
  ['GET', `/api/v1/fcs/parameters?file_id=ID`],
  ['GET', `/api/v1/fcs/events?file_id=ID`],
  ['GET', `/api/v1/fcs/statistics?file_id=ID`],
] as const

test.each(ROUTES)(
  'security 20: %s %s gives the same 404 for another’s file, an unknown and a malformed id',
  async (method, path) => {
    const theirs = await other.file()
    const answers = []
    for (const id of [
      theirs,
      crypto.randomUUID(),
      '1',
      '..%2f..%2fetc',
      `${theirs}.part`,
      'null',
      'x'.repeat(200),
    ]) {
      const { status, text, headers } = await api.call(method, path.replace('ID', id), {
        bearer: me.bearer,
      })
      const length = headers.get('content-length')
      answers.push({ status, text, length, type: headers.get('content-type') })
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]?.status).toBe(404)
    expect((await other.get(`${FILES}/${theirs}`)).status).toBe(200)
    expect(await readdir(api.folder)).toContain(theirs)
  },
)

test('a list holds one’s own files only, newest first, page by page', async () => {
  const { bearer, get, file } = await cytometrist(api)
  expect((await get(FILES)).body.data).toEqual({ files: [], total: 0, next_cursor: null })
  const ids: string[] = []
  for (let i = 0; i < 5; i++) ids.unshift(await file())
  await other.file()

  const seen: string[] = []
  let cursor = ''
  for (const count of [2, 2, 1]) {
    const { data } = (await get(`${FILES}?limit=2${cursor}`)).body
    expect(data.files).toHaveLength(count)
    expect(data.total).toBe(5)
    seen.push(...data.files.map((item: { id: string }) => item.id))
    cursor = `&cursor=${data.next_cursor}`
    if (count === 1) expect(data.next_cursor).toBeNull()
  }
  expect(seen).toEqual(ids)
  const [item] = (await api.call('GET', `${FILES}?limit=1`, { bearer })).body.data.files
  expect(item).toEqual({
    id: ids[0],
    filename: 'a.fcs',
    size_bytes: fcsBytes().length,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    total_events: 5,
    total_parameters: 3,
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    status: 'ready',
  })
})

test('files uploaded in the same millisecond are all listed once', async () => {
  const { user, get, file } = await cytometrist(api)
  const ids = await Promise.all(Array.from({ length: 7 }, () => file()))
  await api.sql`update fcs_files set created_at = '2026-01-01' where owner_id = ${user.id}`
  const seen: string[] = []
  let path = `${FILES}?limit=3`
  for (let pages = 0; pages < 3; pages++) {
    const page = await get(path)
    seen.push(...page.body.data.files.map((item: { id: string }) => item.id))
    path = `${FILES}?limit=3&cursor=${page.body.data.next_cursor}`
  }
  expect(seen.toSorted()).toEqual(ids.toSorted())
})

test.each([
  'limit=0',
  'limit=201',
  'limit=1.5',
  'limit=-1',
  'limit=',
  'limit=1e2',
  'cursor=x',
  'cursor=',
])('a list with %s is 422', async (query) => {
  expect((await me.get(`${FILES}?${query}`)).status).toBe(422)
})

test('a deleted file is gone with its bytes, for good', async () => {
  const id = await me.file()
  const remove = () => api.call('DELETE', `${FILES}/${id}`, { bearer: me.bearer })
  expect((await remove()).body.data).toEqual({ message: 'File deleted successfully', file_id: id })
  expect(await readdir(api.folder)).not.toContain(id)
  expect(await api.sql`select id from fcs_files where id = ${id}`).toBeEmpty()
  expect((await remove()).status).toBe(404)
  expect((await me.get(`${FILES}/${id}/download`)).status).toBe(404)
})

test('of twenty deletions at once one succeeds', async () => {
  const id = await me.file()
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.call('DELETE', `${FILES}/${id}`, { bearer: me.bearer })),
  )
  const statuses = answers.map(({ status }) => status).toSorted()
  expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 404)])
})

test('another’s token neither sees nor keeps a file, but every token of the owner does', async () => {
  const id = await me.file()
  const second = await api.token(me.user, ['fcs:read'])
  const shown = await api.call('GET', `${FILES}/${id}`, { bearer: second.token })
  expect(shown.body.data.id).toBe(id)
})

test.each([
  ['GET', '/api/v1/fcs/parameters', 'fcs:read'],
  ['GET', '/api/v1/fcs/events', 'fcs:read'],
  ['GET', '/api/v1/fcs/statistics', 'fcs:analyze'],
  ['POST', UPLOAD, 'fcs:write'],
  ['GET', FILES, 'fcs:read'],
  ['GET', `${FILES}/x`, 'fcs:read'],
  ['DELETE', `${FILES}/x`, 'fcs:write'],
  ['GET', `${FILES}/x/download`, 'fcs:read'],
] as const)('%s %s needs %s before it looks at anything else', async (method, path, scope) => {
  const below = {
    'fcs:read': 'users:write',
    'fcs:write': 'fcs:read',
    'fcs:analyze': 'fcs:write',
  } as const
  const { token } = await api.token(me.user, [below[scope]])
  const call = method === 'POST' ? { body: 'junk', headers: RAW } : {}
  const refused = await api.call(method, path, { bearer: token, ...call })
  expect(refused.status).toBe(403)
  expect(refused.body.data).toEqual({
    required_scope: scope,
    your_scopes: [below[scope]],
    smallest_scope: scope,
  })
  const enough = await api.token(me.user, [scope])
  expect((await api.call(method, path, { bearer: enough.token, ...call })).status).not.toBe(403)
  expect((await api.call(method, path, call)).status).toBe(401)
})
