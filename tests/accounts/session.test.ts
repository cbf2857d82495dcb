import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createSign, generateKeyPairSync } from 'node:crypto'
import { SECRET_KEY, type TestApp, testApp, type User } from '../kit/app.ts'
import { claimsOf, encoded, type Fields, HS256, headerOf, sign } from './jwt.ts'

let app: TestApp
let user: User
let claims: Fields
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  claims = claimsOf(user.jwt)
})
afterAll(() => app.close())

/** What the service itself would sign, but for what is changed. */
const signed = (changed: Fields = {}, header: Fields = HS256, key = SECRET_KEY) =>
  sign({ ...claims, ...changed }, header, key)

const statusOf = async (bearer: string) =>
  (await app.call('GET', '/api/v1/tokens', { bearer })).status
const now = () => Math.floor(Date.now() / 1000)

test('an access token has exactly these claims, under HS256 and no key of its own', async () => {
  expect(headerOf(user.jwt)).toEqual(HS256)
  expect(claims).toEqual({
    sub: user.id,
    iss: 'pat-auth-system',
    aud: 'pat-auth-system',
    jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    iat: expect.any(Number),
    exp: Number(claims.iat) + 30 * 60,
    auth_time: claims.iat,
    epoch: 0,
  })
  const json = { username: user.username, password: user.password }
  const again = await app.call('POST', '/api/v1/auth/login', { json })
  expect(claimsOf(again.body.data.access_token).jti).not.toBe(claims.jti)
})

test('security 16: what is signed as the service signs is accepted', async () => {
  expect(await statusOf(signed())).toBe(200)
})

test.each(['sub', 'iat', 'exp', 'jti', 'iss', 'aud', 'auth_time', 'epoch'])(
  'security 16: a JWT without %s is 401',
  async (claim) => {
    expect(await statusOf(signed({ [claim]: undefined }))).toBe(401)
  },
)

test.each([
  ['another issuer', { iss: 'somebody' }],
  ['another audience', { aud: 'somebody' }],
  ['an unknown subject', { sub: crypto.randomUUID() }],
  ['a subject that is no id', { sub: "' or true --" }],
  ['an exp that is no number', { exp: '9999999999' }],
  ['an nbf in the future', { nbf: now() + 3600 }],
  ['an epoch to come', { epoch: 1 }],
  ['an auth_time that is no number', { auth_time: '1' }],
])('security 16: a JWT with %s is 401', async (_, changed) => {
  expect(await statusOf(signed(changed))).toBe(401)
})

test.each([
  ['HS384', { alg: 'HS384' }],
  ['HS512', { alg: 'HS512' }],
  ['a kid', { ...HS256, kid: '../../dev/null' }],
  ['a jku', { ...HS256, jku: 'https://example.org/keys' }],
  ['a jwk', { ...HS256, jwk: { kty: 'oct', k: 'AAAA' } }],
  ['a crit', { ...HS256, crit: ['exp'] }],
])('security 16: a JWT whose header has %s is 401, even with our key', async (_, header) => {
  expect(await statusOf(signed({}, header))).toBe(401)
})

test('security 16: a JWT without a signature, or by another key or kind of key, is 401', async () => {
  const [header, payload, signature = ''] = user.jwt.split('.')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const rsa = `${encoded({ alg: 'RS256' })}.${payload}`
  for (const jwt of [
    `${encoded({ alg: 'none' })}.${payload}.`,
    `${encoded({ alg: 'None', typ: 'JWT' })}.${payload}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.${encoded({ ...claims, sub: crypto.randomUUID() })}.${signature}`,
    `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    signed({}, HS256, 'another key of more than thirty-two bytes'),
    signed({}, HS256, ' '),
    `${rsa}.${createSign('sha256').update(rsa).sign(privateKey, 'base64url')}`,
  ]) {
    expect(await statusOf(jwt)).toBe(401)
  }
})

test('security 16: a JWT is good until the second before exp, and refused at it', async () => {
  let [until, status] = [0, 0]
  // Says nothing when the second turns during the call; then it is tried in the next.
  do {
    until = now() + 1
    status = await statusOf(signed({ exp: until }))
  } while (now() >= until)
  expect(status).toBe(200)
  expect(await statusOf(signed({ exp: now() }))).toBe(401)
})

test('security 3: a JWT is no token for the routes of data', async () => {
  for (const path of ['/api/v1/workspaces', '/api/v1/users/me', '/api/v1/fcs/parameters']) {
    const { status, body } = await app.call('GET', path, { bearer: user.jwt })
    expect([path, status, body.message]).toEqual([path, 401, 'Invalid token'])
  }
})

test('security 17: a deactivated account is refused at once, and served at once when it is active again', async () => {
  const { id, jwt } = await app.user()
  await app.sql`update users set is_active = false where id = ${id}`
  const refused = await app.call('GET', '/api/v1/tokens', { bearer: jwt })
  expect([refused.status, refused.body.message]).toEqual([401, 'Account is inactive'])
  await app.sql`update users set is_active = true where id = ${id}`
  expect(await statusOf(jwt)).toBe(200)
})
