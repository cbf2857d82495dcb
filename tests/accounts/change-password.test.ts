import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { type TestApp, testApp, type User } from '../kit/app.ts'

let app: TestApp
let other: TestApp
let user: User
beforeAll(async () => {
  app = await testApp()
  other = await testApp({ sql: app.sql })
})
beforeEach(async () => {
  user = await app.user()
})
afterAll(async () => {
  await other.close()
  await app.close()
})

const NEW = 'quite another long sentence'
const change = (json: unknown, bearer = user.jwt) =>
  app.call('POST', '/api/v1/auth/password', { bearer, json })
const rightly = () => change({ current_password: user.password, new_password: NEW })
const logIn = (password: string) =>
  app.call('POST', '/api/v1/auth/login', { json: { username: user.username, password } })
const use = async (bearer: string, on = app) => {
  const { status, body } = await on.call('GET', '/api/v1/tokens', { bearer })
  return [status, body.message]
}

test('security 17: a new password ends every login of before at once, on every instance', async () => {
  const second = (await logIn(user.password)).body.data.access_token
  const answer = await rightly()
  expect([answer.status, answer.body]).toEqual([
    200,
    { success: true, data: { message: 'Password changed: log in again' } },
  ])
  for (const jwt of [user.jwt, second]) {
    expect(await use(jwt)).toEqual([401, 'Session ended'])
    expect(await use(jwt, other)).toEqual([401, 'Session ended'])
  }
  expect((await logIn(user.password)).status).toBe(401)
  // Within the same second as the others were issued, as a rule.
  const { access_token } = (await logIn(NEW)).body.data
  expect(await use(access_token)).toEqual([200, undefined])
})

test('tokens and the logins of others stay', async () => {
  const stranger = await app.user()
  const { token } = await app.token(user, ['users:read'])
  await rightly()
  expect((await app.call('GET', '/api/v1/users/me', { bearer: token })).status).toBe(200)
  expect(await use(stranger.jwt)).toEqual([200, undefined])
})

test('a wrong current password is 403, for the access token is good, and changes nothing', async () => {
  const { status, headers, body } = await change({ current_password: 'x', new_password: NEW })
  expect([status, body.message, headers.get('www-authenticate')]).toEqual([
    403,
    'Incorrect password',
    null,
  ])
  expect(await use(user.jwt)).toEqual([200, undefined])
  expect((await logIn(user.password)).status).toBe(200)
})

test('of many changes at once one is made', async () => {
  const json = (at: number) => ({ current_password: user.password, new_password: `${NEW} ${at}` })
  const answers = await Promise.all([1, 2, 3, 4, 5].map((at) => change(json(at))))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  const [{ session_epoch } = {}] =
    await app.sql`select session_epoch from users where id = ${user.id}`
  expect(session_epoch).toBe(1)
  const won = answers.findIndex(({ status }) => status === 200) + 1
  expect((await logIn(`${NEW} ${won}`)).status).toBe(200)
})

test('a login whose password was right before a change is over after it', async () => {
  // Read before the change, signed after it: as an instance would that hung in between.
  const [before] = await app.sql`select id, session_epoch from users where id = ${user.id}`
  await rightly()
  const { access_token } = await app.app.decorator.signSession({
    id: before?.id,
    session_epoch: before?.session_epoch,
  })
  expect(await use(access_token)).toEqual([401, 'Session ended'])
})

test.each([
  ['7 characters', () => 'pass7ch'],
  ['257 characters', () => 'p'.repeat(257)],
  ['a common password', () => 'Password123'],
  ['the username', () => `my ${user.username}!`],
  ['half a pair', () => 'a long enough one \ud800'],
])('%s is no new password', async (_, new_password) => {
  const answer = await change({ current_password: user.password, new_password: new_password() })
  expect([answer.status, answer.body.data?.errors[0].field]).toEqual([422, 'new_password'])
  expect((await logIn(user.password)).status).toBe(200)
})

test.each([
  ['no login', undefined, { current_password: 'x', new_password: NEW }, 401],
  ['no current password', 'jwt', { new_password: NEW }, 422],
  ['no new password', 'jwt', { current_password: 'x' }, 422],
  [
    'an unknown field',
    'jwt',
    { current_password: 'x', new_password: NEW, username: 'another' },
    422,
  ],
])('with %s it is refused', async (_, bearer, json, status) => {
  const call = bearer ? { bearer: user.jwt, json } : { json }
  expect((await app.call('POST', '/api/v1/auth/password', call)).status).toBe(status)
})
