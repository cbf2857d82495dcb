import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { row, rowsOf } from './rows.ts'

let app: TestApp
let user: User
let token: Token

const ME = '/api/v1/users/me'
const WORKSPACES = '/api/v1/workspaces'

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['users:read'])
})
afterAll(() => app.close())

test('security 27: a row is there before the client has its answer', async () => {
  for (let turn = 0; turn < 10; turn++) {
    const { rows } = await rowsOf(app, token, `GET ${ME}`)
    expect(rows).toEqual([row(`GET ${ME}`, 200, null)])
  }
})

test('the reason of a missing scope is in the row', async () => {
  const { rows } = await rowsOf(app, token, `POST ${WORKSPACES}`)
  expect(rows).toEqual([row(`POST ${WORKSPACES}`, 403, 'Insufficient scope')])
})

test('security 27: a token in the query leaves one row, with a header and without', async () => {
  for (const path of [`${ME}?access_token=${token.token}`, `/api/v1/nothing?${token.token}`]) {
    for (const authorization of ['Basic eA==', `Bearer ${token.token}`]) {
      const { answer, rows } = await rowsOf(app, token, `GET ${path}`, {
        headers: { authorization },
      })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(rows).toEqual([row(`GET ${path}`, answer.status, rows[0]?.reason ?? '')])
    }
    const before = await app.auditOf(token.id)
    const { status } = await app.call('GET', path)
    const after = await app.auditOf(token.id)
    expect(after).toHaveLength(before.length + 1)
    expect(after.at(-1)).toMatchObject({ status_code: status, authorized: false })
  }
})

test('an old string in its grace, and the same after it, are uses of the one token', async () => {
  const { id, token: old } = await app.token(user, ['users:read'])
  const json = { grace_seconds: 60 }
  await app.call('POST', `/api/v1/tokens/${id}/regenerate`, { bearer: user.jwt, json })
  await app.call('GET', ME, { bearer: old })
  await app.sql`
    update token_secrets set superseded_at = now() where superseded_at is not null and token_id = ${id}`
  await app.settled()
  await app.call('GET', ME, { bearer: old })
  expect((await app.auditOf(id)).map((row) => [row.status_code, row.reason])).toEqual([
    [200, null],
    [401, 'Token revoked'],
  ])
})

test('three hundred calls at once leave three hundred rows, each with its own status', async () => {
  const busy = await app.token(user, ['users:read'])
  const paths = [ME, WORKSPACES, '/api/v1/nothing'].flatMap((path) => Array<string>(100).fill(path))
  const answers = await Promise.all(
    paths.map((path) => app.call('GET', path, { bearer: busy.token })),
  )
  const sent = answers.map(({ status }, at) => `${paths[at]} ${status}`)
  const rows = (await app.auditOf(busy.id)).map((row) => `${row.endpoint} ${row.status_code}`)
  expect(rows.sort()).toEqual(sent.sort())
})

test('/health touches no database and leaves no row', async () => {
  const { answer, rows } = await rowsOf(app, token, 'GET /health')
  expect([answer.status, rows]).toEqual([200, []])
})

test('a JWT leaves no row', async () => {
  const [before] = await app.sql`select count(*) from audit_log`
  await app.call('GET', '/api/v1/tokens', { bearer: user.jwt })
  await app.call('GET', ME, { bearer: user.jwt })
  expect((await app.sql`select count(*) from audit_log`)[0]).toEqual(before)
})
