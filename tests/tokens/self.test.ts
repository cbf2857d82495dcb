import { afterAll, beforeAll, expect, test } from 'bun:test'
import { parseList } from 'structured-headers'
import { expiryWarning } from '../../src/tokens/expiry.ts'
import { type TestApp, testApp, type User } from '../kit/app.ts'

const SELF = '/api/v1/tokens/self'
let app: TestApp
let user: User

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const DAY = 86_400_000

test('a token shows itself, whatever its scopes, and nothing of its owner or its other addresses', async () => {
  const { id, token } = await app.token(user, ['fcs:read', 'workspaces:admin'], {
    name: 'nightly run',
    allowed_ips: ['192.0.2.7', '10.0.0.0/8'],
  })
  const { status, body } = await app.call('GET', SELF, { bearer: token, from: '10.1.2.3' })
  const { created_at, expires_at } = body.data
  expect(status).toBe(200)
  expect(body.data).toEqual({
    id,
    name: 'nightly run',
    scopes: ['workspaces:admin', 'fcs:read'],
    created_at,
    expires_at,
    warning: null,
    ip: '10.1.2.3',
    allowed_by: '10.0.0.0/8',
    limits: [],
  })
  expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(30 * DAY)
})

test('without a list no entry of it allows the address', async () => {
  const { token } = await app.token(user, ['fcs:read'])
  const { body } = await app.call('GET', SELF, { bearer: token })
  expect(body.data).toMatchObject({ ip: '127.0.0.1', allowed_by: null })
})

test('it shows what is left of each limit that counts it, as the fields of the answer do', async () => {
  const limited = await testApp({ rateLimitPerMinute: 40, tokenRateLimitPerMinute: 30 })
  const owner = await limited.user()
  const of = async (more: Record<string, unknown>) => {
    const { token } = await limited.token(owner, ['fcs:read'], more)
    await limited.call('GET', '/api/v1/users/me', { bearer: token, from: '192.0.2.1' })
    return limited.call('GET', SELF, { bearer: token, from: '192.0.2.1' })
  }
  const answers = [await of({}), await of({ rate_limit_per_minute: 7 })]
  await limited.close()
  const shown = answers.map(({ body }) => body.data.limits)
  const window = { reset_seconds: expect.any(Number), window_seconds: 60 }
  expect(shown).toEqual([
    [
      { policy: 'address', limit: 40, remaining: 38, ...window },
      { policy: 'token', limit: 30, remaining: 28, ...window },
    ],
    [
      { policy: 'address', limit: 40, remaining: 36, ...window },
      { policy: 'token', limit: 7, remaining: 5, ...window },
    ],
  ])
  for (const { headers, body } of answers) {
    const said = parseList(headers.get('ratelimit') ?? '').map(([policy, parameters]) => [
      policy,
      parameters.get('r'),
      parameters.get('t'),
    ])
    const limits: Record<string, unknown>[] = body.data.limits
    expect(said).toEqual(
      limits.map(({ policy, remaining, reset_seconds }) => [policy, remaining, reset_seconds]),
    )
  }
})

test('an old string in its grace shows when the grace ends', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  await app.call('POST', `/api/v1/tokens/${id}/regenerate`, {
    bearer: user.jwt,
    json: { grace_seconds: 600 },
  })
  const { body, headers } = await app.call('GET', SELF, { bearer: token })
  expect(Date.parse(body.data.expires_at) - Date.now()).toBeLessThan(601_000)
  expect(headers.get('token-expires-at')).toBe(body.data.expires_at)
  expect(headers.get('token-warning')).toBe('The token ends within a day')
})

test.each([
  ['fcs:read', true, 'fcs:analyze', 'The token holds fcs:analyze, which includes fcs:read'],
  ['users:read', true, 'users:read', 'The token holds users:read'],
  ['users:write', false, null, 'The token holds none of users:write: ask for users:write'],
  [
    'workspaces:delete',
    false,
    null,
    'The token holds none of workspaces:delete, workspaces:admin: ask for workspaces:delete',
  ],
])('may it do what %s allows? %p, and why', async (scope, can, granted_by, explanation) => {
  const { token } = await app.token(user, ['users:read', 'fcs:analyze'])
  const { status, body } = await app.call('GET', `${SELF}/can?scope=${scope}`, { bearer: token })
  expect(status).toBe(200)
  expect(body.data).toMatchObject({
    scope,
    can,
    granted_by,
    explanation,
    your_scopes: ['users:read', 'fcs:analyze'],
  })
  expect(body.data.granting_scopes[0]).toBe(scope)
})

test.each(['', '?scope=', '?scope=fcs:bogus', '?scope=FCS:READ', '?scope=fcs:read,users:read'])(
  'asking about %p is 422',
  async (query) => {
    const { token } = await app.token(user, ['fcs:read'])
    expect((await app.call('GET', `${SELF}/can${query}`, { bearer: token })).status).toBe(422)
  },
)

test('what a token asks about itself is in its log', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  await app.call('GET', SELF, { bearer: token })
  await app.call('GET', `${SELF}/can?scope=users:write`, { bearer: token })
  expect(await app.auditOf(id)).toMatchObject([
    { endpoint: SELF, status_code: 200, authorized: true },
    { endpoint: `${SELF}/can`, status_code: 200, authorized: true },
  ])
})

test('every answer to an accepted token says when it ends, refusals by scope and fields too', async () => {
  const { id, token } = await app.token(user, ['workspaces:write'])
  const item = await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  const calls: [string, string, number][] = [
    ['GET', '/api/v1/workspaces', 200],
    ['HEAD', '/api/v1/workspaces', 200],
    ['GET', '/api/v1/users/me', 403],
    ['POST', '/api/v1/workspaces', 422],
  ]
  for (const [method, path, expected] of calls) {
    const { status, headers } = await app.call(method, path, { bearer: token })
    expect([path, status]).toEqual([path, expected])
    expect(headers.get('token-expires-at')).toBe(item.body.data.expires_at)
    expect(headers.has('token-warning')).toBe(false)
  }
})

test('a refused credential, a login and an open path are told nothing of an expiry', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  await app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  const answers = [
    await app.call('GET', SELF, { bearer: token }),
    await app.call('GET', SELF),
    await app.call('GET', '/api/v1/tokens', { bearer: user.jwt }),
    await app.call('GET', '/health'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 200, 200])
  for (const { headers } of answers) expect(headers.has('token-expires-at')).toBe(false)
})

test('a token that ends within 14 days is warned of in a header and in what it shows of itself', async () => {
  const { token } = await app.token(user, ['fcs:read'], { expires_in_days: 9 })
  const { headers, body } = await app.call('GET', SELF, { bearer: token })
  // Nine in the millisecond in which it was made.
  expect(headers.get('token-warning')).toMatch(/^The token ends in [89] days$/)
  expect(body.data.warning).toMatch(/^The token ends in [89] days$/)
})

test.each([
  [14 * DAY, null],
  [14 * DAY - 1, 'The token ends in 13 days'],
  [2 * DAY - 1, 'The token ends in 1 day'],
  [DAY - 1, 'The token ends within a day'],
  [-1, 'The token ends within a day'],
])('%d ms before the end the warning is %p', (left, warning) => {
  expect(expiryWarning(new Date(1_000_000 + left), 1_000_000)).toBe(warning)
})
