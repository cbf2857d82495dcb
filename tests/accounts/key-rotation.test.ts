import { afterAll, beforeAll, expect, test } from 'bun:test'
import { SECRET_KEY, type TestApp, testApp, type User } from '../kit/app.ts'
import { claimsOf, type Fields, HS256, sign } from './jwt.ts'

const NEW_KEY = 'the next test key, of more than thirty-two bytes'
let app: TestApp
/** The same service, started again with a new key, knowing the old one. */
let rotated: TestApp
/** And once more, with the new key alone. */
let settled: TestApp
let user: User
beforeAll(async () => {
  app = await testApp()
  rotated = await testApp({ sql: app.sql, secretKeys: [NEW_KEY, SECRET_KEY] })
  settled = await testApp({ sql: app.sql, secretKeys: [NEW_KEY] })
  user = await app.user()
})
afterAll(async () => {
  await settled.close()
  await rotated.close()
  await app.close()
})

const use = async (bearer: string, on: TestApp) =>
  (await on.call('GET', '/api/v1/tokens', { bearer })).status

test('what the previous key has signed is accepted until that key is taken away', async () => {
  expect(await use(user.jwt, rotated)).toBe(200)
  expect(await use(user.jwt, settled)).toBe(401)
})

test('new logins are signed with the new key', async () => {
  const { username, password } = user
  const login = await rotated.call('POST', '/api/v1/auth/login', { json: { username, password } })
  const jwt = login.body.data.access_token
  expect(await use(jwt, settled)).toBe(200)
  expect(await use(jwt, app)).toBe(401)
})

test.each([
  ['expires', { exp: Math.floor(Date.now() / 1000) - 1 }, HS256],
  ['needs every claim', { aud: undefined }, HS256],
  ['signs with HS256 only', {}, { alg: 'HS512' }],
  ['has no kid', {}, { ...HS256, kid: '1' }],
])('security 16: what the previous key has signed %s, too', async (_, changed: Fields, header) => {
  const claims = claimsOf(user.jwt)
  expect(await use(sign(claims), rotated)).toBe(200)
  expect(await use(sign({ ...claims, ...changed }, header), rotated)).toBe(401)
})

test('security 16: a third key signs nothing', async () => {
  const forged = sign(claimsOf(user.jwt), HS256, 'a key of somebody else, of thirty-two bytes')
  expect(await use(forged, rotated)).toBe(401)
})

test('a login under the previous key can be ended', async () => {
  const { jwt } = await app.user()
  expect((await rotated.call('POST', '/api/v1/auth/logout', { bearer: jwt })).status).toBe(200)
  expect(await use(jwt, rotated)).toBe(401)
  expect(await use(jwt, app)).toBe(401)
})
