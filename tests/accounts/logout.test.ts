import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp, type User } from '../kit/app.ts'
import { claimsOf, sign } from './jwt.ts'

let app: TestApp
/** Another instance of the service on the same database. */
let other: TestApp
let user: User
beforeAll(async () => {
  app = await testApp()
  other = await testApp({ sql: app.pool })
  user = await app.user()
})
afterAll(async () => {
  await other.close()
  await app.close()
})

const logIn = async ({ username, password }: User): Promise<string> => {
  const json = { username, password }
  return (await app.call('POST', '/api/v1/auth/login', { json })).body.data.access_token
}
const logOut = (bearer: string) => app.call('POST', '/api/v1/auth/logout', { bearer })
const use = async (bearer: string, on = app) => {
  const { status, body } = await on.call('GET', '/api/v1/tokens', { bearer })
  return [status, body.message]
}

test('security 17: a logout ends that login at once, on every instance, and no other', async () => {
  const jwt = await logIn(user)
  const answer = await logOut(jwt)
  expect([answer.status, answer.body]).toEqual([
    200,
    { success: true, data: { message: 'Logged out' } },
  ])
  expect(await use(jwt)).toEqual([401, 'Session ended'])
  expect(await use(jwt, other)).toEqual([401, 'Session ended'])
  expect(await use(user.jwt)).toEqual([200, undefined])
  expect(await use(await logIn(user))).toEqual([200, undefined])
})

test('a login that is ended can neither be ended again nor end another', async () => {
  const jwt = await logIn(user)
  await logOut(jwt)
  const again = await logOut(jwt)
  expect([again.status, again.headers.get('www-authenticate')]).toEqual([
    401,
    expect.stringContaining('error="invalid_token"'),
  ])
  expect(await use(user.jwt)).toEqual([200, undefined])
})

test('twenty logouts of one login at once all hold', async () => {
  const jwt = await logIn(user)
  const statuses = await Promise.all(Array.from({ length: 20 }, () => logOut(jwt)))
  expect(statuses.filter(({ status }) => status !== 200 && status !== 401)).toEqual([])
  expect(await use(jwt)).toEqual([401, 'Session ended'])
})

test('a logout through an instance of the release before, which lists it, holds here too', async () => {
  const jwt = await logIn(user)
  const { jti = '' } = claimsOf(jwt)
  await app.pool`insert into ended_sessions (jti, expires_at) values (${String(jti)}, now())`
  expect(await use(jwt)).toEqual([401, 'Session ended'])
})

test('an access token that names no login of its owner is refused, though it is signed with the key', async () => {
  const claims = claimsOf(user.jwt)
  const refused = [401, 'Session ended']
  expect(await use(sign(claims))).toEqual([200, undefined])
  expect(await use(sign({ ...claims, jti: crypto.randomUUID() }))).toEqual(refused)
  expect(await use(sign({ ...claims, sub: (await app.user()).id }))).toEqual(refused)
})

test('a login is kept until its token has expired, and then taken out by a later login', async () => {
  const { jti = '', exp } = claimsOf(await logIn(user))
  const kept = () => app.sql`select expires_at from sessions where jti = ${String(jti)}`
  expect([...(await kept())]).toEqual([{ expires_at: new Date(Number(exp) * 1000) }])

  // The clock of an instance may be late: the row outlives the token by a day.
  const past = (hours: number) => app.sql`
    update sessions set expires_at = now() - ${hours} * interval '1 hour' where jti = ${String(jti)}`
  await past(23)
  await logIn(user)
  expect(await kept()).toHaveLength(1)
  await past(25)
  await logIn(user)
  expect(await kept()).toHaveLength(0)
})
