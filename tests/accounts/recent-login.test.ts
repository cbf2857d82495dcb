import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { agedBy } from './jwt.ts'

let app: TestApp
let user: User
let old: string
let strong: Token
let weak: Token
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  old = agedBy(901, user.jwt)
  strong = await app.token(user, ['fcs:read', 'workspaces:delete'])
  weak = await app.token(user, ['workspaces:write', 'users:write', 'fcs:analyze'])
})
afterAll(() => app.close())

const create = (bearer: string, scopes: string[]) =>
  app.call('POST', '/api/v1/tokens', { bearer, json: { name: 'a token', scopes } })
const regenerate = ({ id }: Token, bearer: string) =>
  app.call('POST', `/api/v1/tokens/${id}/regenerate`, { bearer })
const allow = ({ id }: Token, bearer: string) =>
  app.call('PUT', `/api/v1/tokens/${id}/allowed-ips`, { bearer, json: { allowed_ips: null } })

test('a login of more than 15 minutes ago is challenged as RFC 9470 has it', async () => {
  const { status, headers, body } = await create(old, ['workspaces:admin'])
  const message =
    'A token with a delete or admin scope needs a login of the last 15 minutes: log in again'
  expect([status, body]).toEqual([401, { success: false, error: 'Unauthorized', message }])
  expect(headers.get('www-authenticate')).toBe(
    `Bearer realm="pat-auth-system", error="insufficient_user_authentication", error_description="${message}", max_age="900"`,
  )
})

test.each([
  [401, 'workspaces:admin'],
  [401, 'workspaces:delete'],
  [201, 'workspaces:write'],
  [201, 'users:write'],
  [201, 'fcs:analyze'],
])('after it, the answer is %d for a token with %s', async (status, scope) => {
  expect((await create(old, [scope])).status).toBe(status)
  expect((await create(old, ['users:read', scope])).status).toBe(status)
})

test('regenerating such a token, or changing who may use it, needs a recent login too', async () => {
  for (const call of [regenerate, allow]) {
    const refused = await call(strong, old)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="insufficient_user_authentication"'),
    ])
    expect((await call(weak, old)).status).toBe(200)
    expect((await call(strong, user.jwt)).status).toBe(200)
  }
})

test('someone else’s token stays a 404, whatever its scopes', async () => {
  const stranger = await app.user()
  const jwt = agedBy(901, stranger.jwt)
  for (const call of [regenerate, allow]) expect((await call(strong, jwt)).status).toBe(404)
})

test('revoking and looking need none', async () => {
  const token = await app.token(user, ['workspaces:admin'])
  const path = `/api/v1/tokens/${token.id}`
  for (const [method, at] of [
    ['GET', path],
    ['GET', `${path}/logs`],
    ['DELETE', path],
  ] as const) {
    expect([method, (await app.call(method, at, { bearer: old })).status]).toEqual([method, 200])
  }
})

test('a login of the future, from before the clock was set back, is none of the last 15 minutes', async () => {
  // The clock of another instance may be a little ahead.
  expect((await create(agedBy(-30, user.jwt), ['workspaces:admin'])).status).toBe(201)
  expect((await create(agedBy(-120, user.jwt), ['workspaces:admin'])).status).toBe(401)
})

test('the last 15 minutes are exactly 900 seconds', async () => {
  // Some of the 890th second may have passed; at the 901st it is over whatever has.
  expect((await create(agedBy(890, user.jwt), ['workspaces:admin'])).status).toBe(201)
  expect((await create(agedBy(901, user.jwt), ['workspaces:admin'])).status).toBe(401)
})
