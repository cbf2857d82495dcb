import { afterAll, beforeAll, expect, test } from 'bun:test'
import { FILES, fcsBytes, RAW, UPLOAD } from '../files/kit.ts'
import { type TestApp, testApp } from '../kit/app.ts'

const WORKSPACES = '/api/v1/workspaces'
const TOKENS = '/api/v1/tokens'

let api: TestApp
let older: Awaited<ReturnType<typeof somebody>>
let newer: Awaited<ReturnType<typeof somebody>>
beforeAll(async () => {
  api = await testApp()
  older = await somebody()
  newer = await somebody()
})
afterAll(() => api.close())

/** Somebody with two things of each kind, and what he lists them with. */
async function somebody() {
  const user = await api.user()
  const { id, token: bearer } = await api.token(user, ['workspaces:admin', 'fcs:write'])
  await api.token(user, ['users:read'])
  for (const name of ['a', 'b']) {
    await api.call('POST', WORKSPACES, { bearer, json: { name } })
    await api.call('POST', `${UPLOAD}?filename=${name}`, { bearer, body: fcsBytes(), headers: RAW })
  }
  return { jwt: user.jwt, bearer, logs: `${TOKENS}/${id}/logs` }
}

type Listed = { shown: string[]; next: string }

async function list(path: string, bearer: string, query: string): Promise<Listed> {
  const { body } = await api.call('GET', `${path}?${query}`, { bearer })
  const { workspaces, tokens, files, logs, next_cursor } = body.data
  const things: { id?: string }[] = workspaces ?? tokens ?? files ?? logs
  return { shown: things.map((thing) => thing.id ?? JSON.stringify(thing)), next: next_cursor }
}

test.each([
  [
    'workspaces',
    () => [WORKSPACES, older.bearer] as const,
    () => [WORKSPACES, newer.bearer] as const,
  ],
  ['files', () => [FILES, older.bearer] as const, () => [FILES, newer.bearer] as const],
  ['tokens', () => [TOKENS, older.jwt] as const, () => [TOKENS, newer.jwt] as const],
  ['uses', () => [older.logs, older.jwt] as const, () => [newer.logs, newer.jwt] as const],
])(
  'security 20: the cursor of somebody else’s %s leads to one’s own alone',
  async (_, first, second) => {
    for (const [mine, other] of [
      [first(), second()],
      [second(), first()],
    ] as const) {
      const { shown, next } = await list(...other, 'limit=1')
      const all = (await list(...mine, 'limit=200')).shown
      expect([shown.length, all.length >= 2]).toEqual([1, true])
      const behind = await list(...mine, `limit=200&cursor=${next}`)
      expect(behind.shown.filter((thing) => !all.includes(thing))).toEqual([])
    }
  },
)
