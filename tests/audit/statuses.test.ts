import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type Call, type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { row, rowsOf } from './rows.ts'

let app: TestApp
let user: User
let token: Token
let download: string

const file = writeFcs({ parameters: [{ name: 'A' }], columns: [Float32Array.of(1, 2, 3)] })
const NOWHERE = '00000000-0000-4000-8000-000000000000'
const WORKSPACES = '/api/v1/workspaces'
const ME = '/api/v1/users/me'
const UPLOAD = 'POST /api/v1/fcs/upload?filename=a.fcs'
const raw = (body: Call['body']): Call => ({
  body: body ?? '',
  headers: { 'content-type': 'application/octet-stream' },
})

beforeAll(async () => {
  app = await testApp({ maxUploadBytes: 10_000 })
  user = await app.user()
  token = await app.token(user, ['workspaces:write', 'users:write', 'fcs:write'])
  const { answer } = await rowsOf(app, token, UPLOAD, raw(file.slice()))
  download = `/api/v1/fcs/files/${answer.body.data.file_id}/download`
})
afterAll(() => app.close())

/** A body whose client goes away in the middle. */
const brokenOff = () =>
  new ReadableStream({
    start: (controller) => controller.enqueue(file.subarray(0, 100)),
    pull: (controller) => controller.error(new Error('gone')),
  })

const allowed: [what: string, status: number, line: () => string, call?: () => Call][] = [
  ['a read', 200, () => `GET ${ME}`],
  ['HEAD', 200, () => `HEAD ${ME}`],
  ['a creation', 201, () => `POST ${WORKSPACES}`, () => ({ json: { name: 'lab' } })],
  ['a whole download, streamed', 200, () => `GET ${download}`],
  ['a range of it', 206, () => `GET ${download}`, () => ({ headers: { range: 'bytes=0-9' } })],
  ['no range of it', 416, () => `GET ${download}`, () => ({ headers: { range: 'bytes=9999-' } })],
  ['what is not there', 404, () => `GET /api/v1/fcs/files/${NOWHERE}`],
  ['a malformed id', 404, () => 'GET /api/v1/fcs/files/x%2f..%00'],
  ['an empty body', 422, () => `POST ${WORKSPACES}`],
  ['a broken-off upload', 400, () => UPLOAD, () => raw(brokenOff())],
  ['a file too large', 413, () => UPLOAD, () => raw(new Uint8Array(10_001))],
  ['no FCS file', 422, () => UPLOAD, () => raw('not FCS at all')],
  [
    'a wrong type',
    415,
    () => UPLOAD,
    () => ({ headers: { 'content-type': 'text/html' }, body: 'x' }),
  ],
  ['a body too large', 413, () => `POST ${WORKSPACES}`, () => ({ json: 'x'.repeat(2 ** 20) })],
  ['malformed JSON', 400, () => `POST ${WORKSPACES}`, () => ({ ...JSON_TYPE, body: '{' })],
  ['an invalid field', 422, () => `POST ${WORKSPACES}`, () => ({ json: { name: '' } })],
  ['an invalid query', 422, () => 'GET /api/v1/fcs/events?limit=0'],
]
const JSON_TYPE = { headers: { 'content-type': 'application/json' } }

test.each(allowed)('security 27: %s leaves one row, with %i and authorized', async (...given) => {
  const [, status, line, call] = given
  const { answer, rows } = await rowsOf(app, token, line(), call?.())
  expect(answer.status).toBe(status)
  expect(rows).toEqual([row(line(), status, null)])
})

const BAD = `Bearer pat_${'x'.repeat(36)}`
const refused: [what: string, status: number, line: string, authorization?: () => string][] = [
  ['a missing scope', 403, `DELETE ${WORKSPACES}/${NOWHERE}`],
  ['a wrong method', 405, `PATCH ${ME}`],
  ['an unknown route', 404, 'GET /api/v1/nothing?q=1'],
  ['a route that takes a JWT', 401, 'GET /api/v1/tokens'],
  ['an open route', 200, 'GET /'],
  ['a malformed header', 401, `GET ${ME}`, () => `Bearer Bearer ${token.token}`],
  ['a token and another header', 401, `GET ${ME}`, () => `Bearer ${token.token}, Basic eA==`],
  ['a token behind a false one', 401, `GET ${ME}`, () => `${BAD}, Bearer ${token.token}`],
]

test.each(refused)('security 27: %s leaves one row, with %i and a reason', async (...given) => {
  const [, status, line, authorization] = given
  const call = authorization && { headers: { authorization: authorization() } }
  const { answer, rows } = await rowsOf(app, token, line, call)
  expect(answer.status).toBe(status)
  expect(rows[0]?.reason).toMatch(/./)
  expect(rows).toEqual([row(line, status, rows[0]?.reason ?? '')])
})

test.each([
  [401, 'Token expired', 'update token_secrets set expires_at = now() where token_id = $1'],
  [401, 'Token revoked', 'update tokens set revoked_at = now() where id = $1'],
  [403, 'IP address not allowed', "update tokens set allowed_ips = '{192.0.2.1}' where id = $1"],
])('security 27: %i %s leaves one row that says so', async (status, reason, spoil) => {
  const spoiled = await app.token(user, ['users:read'])
  await app.sql.unsafe(spoil, [spoiled.id])
  const { answer, rows } = await rowsOf(app, spoiled, `GET ${ME}`)
  expect([answer.status, answer.body.message]).toEqual([status, reason])
  expect(rows).toEqual([row(`GET ${ME}`, status, reason)])
})

test('security 27: a conflict leaves one row, with 409 and authorized', async () => {
  const other = await app.user()
  const email = `${other.username}@example.org`
  const { answer, rows } = await rowsOf(app, token, `PUT ${ME}`, { json: { email } })
  expect(answer.status).toBe(409)
  expect(rows).toEqual([row(`PUT ${ME}`, 409, null)])
})

test('security 27: a failure of the service leaves one row, with 500 and authorized', async () => {
  await app.sql`alter table workspaces rename to gone`
  const { answer, rows } = await rowsOf(app, token, `GET ${WORKSPACES}`)
  await app.sql`alter table gone rename to workspaces`
  expect(answer.status).toBe(500)
  expect(rows).toEqual([row(`GET ${WORKSPACES}`, 500, null)])
})
