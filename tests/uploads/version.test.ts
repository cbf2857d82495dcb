// tus 1.0: "The Tus-Resumable header MUST be included in every request and response except for OPTIONS requests."
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cytometrist } from '../files/kit.ts'
import { type Call, type TestApp, testApp } from '../kit/app.ts'
import { idOf, PIECE, pieces, TUS, UPLOADS } from './kit.ts'

let api: TestApp
let owner: Awaited<ReturnType<typeof cytometrist>>
let at: string
let lost: string
beforeAll(async () => {
  api = await testApp()
  owner = await cytometrist(api)
  const tus = pieces(api, owner.bearer)
  at = await tus.begun(9)
  lost = await tus.begun(9)
  await rm(join(api.parts, idOf(lost)))
})
afterAll(() => api.close())

const unknown = `${UPLOADS}/${crypto.randomUUID()}`
const piece = { headers: { ...PIECE, 'upload-offset': '0' }, body: new Uint8Array(3) }

test.each<[number, string, () => [string, string, Call]]>([
  [401, 'nobody', () => ['POST', UPLOADS, { bearer: '' }]],
  [401, 'a token that is none', () => ['HEAD', at, { bearer: 'nonsense' }]],
  [404, 'an upload that there is not', () => ['HEAD', unknown, {}]],
  [404, 'a path that there is not', () => ['GET', `${at}/more`, {}]],
  [405, 'a method that there is not', () => ['GET', at, {}]],
  [409, 'a piece of another place', () => ['PATCH', at, { ...piece, headers: far }]],
  [410, 'an upload whose bytes are lost', () => ['HEAD', lost, {}]],
  [410, 'a piece of such a one', () => ['PATCH', lost, piece]],
  [412, 'a request without it', () => ['DELETE', at, { headers: {} }]],
  [204, 'a question for methods', () => ['OPTIONS', at, {}]],
])('%d, to %s, names the version of the protocol', async (status, _, asked) => {
  const [method, path, call] = asked()
  const answer = await api.call(method, path, { bearer: owner.bearer, headers: TUS, ...call })
  const { headers } = answer
  expect([answer.status, headers.get('tus-resumable'), headers.has('upload-offset')]).toEqual([
    ...[status, '1.0.0', false],
  ])
})
const far = { ...PIECE, 'upload-offset': '5' }

test('the refusals of scopes, of limits and of the audit name the version, in either form', async () => {
  const limited = await testApp({ rateLimitPerMinute: 3 })
  const user = await limited.user()
  const { token } = await limited.token(user, ['fcs:read'])
  const ask = (from: string) => limited.call('HEAD', at, { bearer: token, headers: TUS, from })
  const answers = [await ask('192.0.2.1'), await ask('192.0.2.1')]
  await limited.sql`alter table audit_log rename to gone`
  answers.push(await ask('192.0.2.1'))
  await limited.sql`alter table gone rename to audit_log`
  answers.push(await ask('192.0.2.1'))
  const headers = { ...TUS, accept: 'application/problem+json' }
  answers.push(await limited.call('POST', UPLOADS, { headers, from: '192.0.2.2' }))
  await limited.close()
  expect(answers.map(({ status }) => status)).toEqual([403, 403, 503, 429, 401])
  for (const { headers } of answers) expect(headers.get('tus-resumable')).toBe('1.0.0')
})

test.each(['/', '/api/v1/fcs/upload', '/api/v1/fcs/files', `${UPLOADS}2`])(
  'what is answered at %s is none of it',
  async (path) => {
    const { headers } = await api.call('GET', path, { bearer: owner.bearer, headers: TUS })
    expect(headers.has('tus-resumable')).toBe(false)
  },
)
