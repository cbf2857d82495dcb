import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { until } from '../kit/service.ts'

let app: TestApp
let other: TestApp
let user: User
let token: Token
beforeAll(async () => {
  app = await testApp()
  other = await testApp({ sql: app.sql })
})
beforeEach(async () => {
  user = await app.user()
  token = await app.token(user, ['users:read'])
})
afterAll(async () => {
  await other.close()
  await app.close()
})

const deactivate = (json: unknown = { password: user.password }) =>
  app.call('POST', '/api/v1/auth/deactivate', { bearer: user.jwt, json })
const state = async (path: string, bearer: string, on: TestApp) => {
  const { status, body } = await on.call('GET', path, { bearer })
  return [status, body.message]
}
const useToken = (on: TestApp) => state('/api/v1/users/me', token.token, on)
const useLogin = (on: TestApp) => state('/api/v1/tokens', user.jwt, on)

test('security 17: a deactivated account’s logins and tokens stop at once, on every instance', async () => {
  const second = await app.token(user, ['fcs:read'])
  // Used on both, so that both remember them.
  for (const on of [app, other]) expect(await useToken(on)).toEqual([200, undefined])
  await until(async () => (await app.sql`select from pat_instances`).length === 2)

  const answer = await deactivate()
  expect([answer.status, answer.body.data]).toEqual([
    200,
    {
      message: 'Account deactivated',
      effective_on: { confirmed: expect.any(Number), fenced: expect.any(Number) },
    },
  ])
  const { confirmed, fenced } = answer.body.data.effective_on
  expect(confirmed + fenced).toBe(2)
  for (const on of [app, other]) {
    expect(await useToken(on)).toEqual([401, 'Account is inactive'])
    expect(await useLogin(on)).toEqual([401, 'Account is inactive'])
    expect(await state('/api/v1/fcs/parameters', second.token, on)).toEqual([
      401,
      'Account is inactive',
    ])
  }
  const { username, password } = user
  const login = await app.call('POST', '/api/v1/auth/login', { json: { username, password } })
  expect([login.status, login.body.message]).toEqual([401, 'Account is inactive'])
})

test('a wrong password deactivates nothing', async () => {
  const { status, body } = await deactivate({ password: 'not the password' })
  expect([status, body.message]).toEqual([403, 'Incorrect password'])
  expect(await useToken(app)).toEqual([200, undefined])
  expect(await useLogin(app)).toEqual([200, undefined])
})

test('an operator makes the account active again by SQL', async () => {
  await deactivate()
  await app.sql`update users set is_active = true where username = ${user.username}`
  await app.settled()
  expect(await useToken(app)).toEqual([200, undefined])
})

test.each([
  ['no password', {}],
  ['a password that is no text', { password: 1 }],
  ['an unknown field', { password: 'x', id: crypto.randomUUID() }],
])('with %s it is 422', async (_, json) => {
  expect((await deactivate(json)).status).toBe(422)
  expect(await useLogin(app)).toEqual([200, undefined])
})
