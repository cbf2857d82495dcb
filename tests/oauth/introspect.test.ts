import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { basic, postForm } from './form.ts'

const PATH = '/oauth/introspect'
const client = { id: 'gateway', secret: 'a-secret-of-more-than-thirty-two-signs' }
let app: TestApp
let user: User
let caller: Token

beforeAll(async () => {
  app = await testApp({ introspectionClient: client })
  user = await app.user()
  caller = await app.token(user, ['users:read'])
})
afterAll(() => app.close())

const asToken = (token: string) => postForm(app, PATH, { token }, { bearer: caller.token })
const asClient = (token: string) =>
  postForm(app, PATH, { token }, { headers: basic(client.id, client.secret) })

test('an active token is described with the names of RFC 7662 and without an envelope', async () => {
  const { id, token } = await app.token(user, ['fcs:write', 'workspaces:read'], {
    expires_in_days: 7,
  })
  const answer = await asToken(token)
  const item = await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  const { created_at, expires_at } = item.body.data
  expect(answer.status).toBe(200)
  expect(answer.body).toEqual({
    active: true,
    scope: 'workspaces:read fcs:write',
    username: user.username,
    token_type: 'Bearer',
    exp: Math.floor(Date.parse(expires_at) / 1000),
    iat: Math.floor(Date.parse(created_at) / 1000),
    sub: user.id,
    jti: id,
  })
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect((await asClient(token)).body).toEqual(answer.body)
})

const inactive: [string, () => Promise<string>][] = [
  ['an unknown one', async () => FORMER.unknown],
  ['one with a wrong checksum', async () => `${caller.token.slice(0, -1)}!`],
  ['a JWT', async () => user.jwt],
  ['text of nine kilobytes', async () => 'x'.repeat(9000)],
  [
    'a revoked one',
    async () => {
      const { id, token } = await app.token(user, ['fcs:read'])
      await asToken(token)
      await app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt })
      return token
    },
  ],
  [
    'one that was replaced',
    async () => {
      const { id, token } = await app.token(user, ['fcs:read'])
      await app.call('POST', `/api/v1/tokens/${id}/regenerate`, { bearer: user.jwt, json: {} })
      return token
    },
  ],
  [
    'an expired one',
    async () => {
      const { id, token } = await app.token(user, ['fcs:read'])
      await app.sql`update token_secrets set expires_at = now() where token_id = ${id}`
      await app.settled()
      return token
    },
  ],
  [
    'one of an inactive owner',
    async () => {
      const owner = await app.user()
      const { token } = await app.token(owner, ['fcs:read'])
      await app.sql`update users set is_active = false where id = ${owner.id}`
      await app.settled()
      return token
    },
  ],
]
const FORMER = { unknown: '' }
beforeAll(async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  FORMER.unknown = token
  await app.sql`delete from token_secrets where token_id = ${id}`
  await app.sql`delete from tokens where id = ${id}`
})

test.each(inactive)('%s is exactly {"active":false}', async (_, make) => {
  const token = await make()
  for (const ask of [asToken, asClient]) {
    const { status, text } = await ask(token)
    expect([status, text]).toEqual([200, '{"active":false}'])
  }
})

test('an old string in its grace is active until the grace ends', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  await app.call('POST', `/api/v1/tokens/${id}/regenerate`, {
    bearer: user.jwt,
    json: { grace_seconds: 600 },
  })
  const { body } = await asToken(token)
  expect(body.active).toBe(true)
  expect(body.exp - Date.now() / 1000).toBeLessThan(601)
})

test('a token with a list of addresses is vouched for only to who may see the list', async () => {
  const { token } = await app.token(user, ['fcs:read'], { allowed_ips: ['10.0.0.0/8'] })
  expect((await asToken(token)).body.allowed_ips).toEqual(['10.0.0.0/8'])
  expect((await asClient(token)).body.allowed_ips).toEqual(['10.0.0.0/8'])
  const stranger = await app.token(await app.user(), ['users:read'])
  const { text } = await postForm(app, PATH, { token }, { bearer: stranger.token })
  expect(text).toBe('{"active":false}')
})

test('being introspected is no use of a token; the caller’s is in its own log', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  const asking = await app.token(user, ['users:write'])
  await postForm(app, PATH, { token }, { bearer: asking.token })
  expect(await app.auditOf(id)).toHaveLength(0)
  const item = await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  expect(item.body.data.last_used_at).toBeNull()
  expect(await app.auditOf(asking.id)).toMatchObject([
    { method: 'POST', endpoint: PATH, status_code: 200, authorized: true },
  ])
})

/** Their last group is padded, which is where decoders stop. */
const followedBy = (more: string) => ({
  authorization: `${basic(client.id, client.secret).authorization}${more}`,
})

test.each([
  ['another secret', basic(client.id, `${client.secret}x`)],
  ['another id', basic('gateways', client.secret)],
  ['no secret', basic(client.id, '')],
  ['nothing', { authorization: 'Basic ' }],
  ['another header behind it', followedBy(', Bearer x')],
  ['more behind its end', followedBy('x')],
])('the client with %s is 401 invalid_client', async (_, headers) => {
  const answer = await postForm(app, PATH, { token: caller.token }, { headers })
  expect(answer.status).toBe(401)
  expect(answer.body.error).toBe('invalid_client')
  expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/)
})

test('without a configured client nobody comes in by HTTP Basic', async () => {
  const alone = await testApp()
  try {
    for (const headers of [basic(client.id, client.secret), basic('', ''), basic('null', 'null')]) {
      const answer = await postForm(alone, PATH, { token: 'x' }, { headers })
      expect(answer.status).toBe(401)
    }
  } finally {
    await alone.close()
  }
})

test('a token without users:read may not introspect, itself neither', async () => {
  const { token } = await app.token(user, ['fcs:analyze'])
  const answer = await postForm(app, PATH, { token }, { bearer: token })
  expect(answer.status).toBe(403)
  expect(answer.headers.get('www-authenticate')).toContain('scope="users:read"')
})

test.each([
  ['no token', ''],
  ['an empty token', 'token='],
  ['two tokens', 'token=a&token=b'],
])('a form with %s is 400 invalid_request', async (_, form) => {
  const answer = await postForm(app, PATH, form, { bearer: caller.token })
  expect(answer.status).toBe(400)
  expect(answer.body).toEqual({
    error: 'invalid_request',
    error_description: 'The field token is needed, once',
  })
})

test('JSON is 400 invalid_request, and a form of a megabyte is 413', async () => {
  const json = await app.call('POST', PATH, { bearer: caller.token, json: { token: 'x' } })
  expect([json.status, json.body.error]).toEqual([400, 'invalid_request'])
  const large = await postForm(
    app,
    PATH,
    { token: 'x'.repeat(1_000_000) },
    { bearer: caller.token },
  )
  expect(large.status).toBe(413)
})
