import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let other: User
let foreign: Token

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  other = await app.user()
  foreign = await app.token(other, ['users:read'])
})
afterAll(() => app.close())

const get = (path: string, { jwt }: User = user) =>
  app.call('GET', `/api/v1/tokens${path}`, { bearer: jwt })
type Item = { id: string; status: string }
const idsOf = (tokens: Item[]) => tokens.map(({ id }) => id)

test('a token is shown without its string, and after a use with when and from where', async () => {
  const { id, token } = await app.token(user, ['users:read'], { name: 'robot' })
  const fresh = await get(`/${id}`)
  expect(fresh.status).toBe(200)
  expect(fresh.body.data).toEqual({
    id,
    name: 'robot',
    token_prefix: token.slice(0, 12),
    scopes: ['users:read'],
    allowed_ips: null,
    rate_limit_per_minute: null,
    status: 'active',
    is_revoked: false,
    created_at: expect.stringMatching(/Z$/),
    expires_at: expect.stringMatching(/Z$/),
    last_used_at: null,
    last_used_ip: null,
  })
  await app.call('PUT', '/api/v1/users/me', { bearer: token, from: '192.0.2.5', json: {} })
  expect((await get(`/${id}`)).body.data).toEqual(fresh.body.data)
  const before = Date.now()
  await app.call('GET', '/api/v1/users/me', { bearer: token, from: '::ffff:192.0.2.6' })
  const { last_used_at, last_used_ip } = (await get(`/${id}`)).body.data
  expect(last_used_ip).toBe('192.0.2.6')
  expect(Date.parse(last_used_at)).toBeWithin(before, Date.now() + 1)
})

test('a list is newest first, in pages that a new token does not shift', async () => {
  const owner = await app.user()
  const made: string[] = []
  for (let i = 0; i < 7; i++) made.unshift((await app.token(owner, ['fcs:read'])).id)
  // Several of one millisecond among them.
  for (const [at, id] of made.entries()) {
    const day = at < 2 ? 9 - at : at < 6 ? 5 : 1
    await app.sql`update tokens set created_at = make_date(2026, 1, ${day}) where id = ${id}`
  }
  const expected = idsOf((await get('', owner)).body.data.tokens)
  expect(expected.toSorted()).toEqual(made.toSorted())
  expect([...expected.slice(0, 2), expected.at(-1)]).toEqual([...made.slice(0, 2), made.at(-1)])

  const seen: string[] = []
  let cursor = ''
  do {
    const { body } = await get(`?limit=3${cursor}`, owner)
    expect(body.data.tokens.length).toBeLessThanOrEqual(3)
    seen.push(...idsOf(body.data.tokens))
    await app.token(owner, ['fcs:read'])
    cursor = body.data.next_cursor === null ? '' : `&cursor=${body.data.next_cursor}`
  } while (cursor !== '')
  expect(seen).toEqual(expected)
})

test('a list may be of one status, each token of just one, and total counts them', async () => {
  const owner = await app.user()
  const [active, expired, revoked, both] = await Promise.all(
    Array.from({ length: 4 }, () => app.token(owner, ['fcs:read'])),
  )
  const expire = (token: Token | undefined) =>
    app.sql`update token_secrets set expires_at = now() where token_id = ${token?.id ?? null}`
  await expire(expired)
  await expire(both)
  for (const token of [revoked, both]) {
    await app.call('DELETE', `/api/v1/tokens/${token?.id}`, { bearer: owner.jwt })
  }
  const expected = { active: [active], expired: [expired], revoked: [revoked, both] }
  for (const [status, tokens] of Object.entries(expected)) {
    const { data } = (await get(`?status=${status}`, owner)).body
    expect(data.total).toBe(tokens.length)
    expect(idsOf(data.tokens).sort()).toEqual(tokens.map((token) => token?.id ?? '').sort())
    expect(data.tokens.map((item: Item) => item.status)).toEqual(tokens.map(() => status))
  }
  const page = await get('?limit=1&status=revoked', owner)
  expect([page.body.data.total, page.body.data.tokens.length]).toEqual([2, 1])
})

test.each([
  ...['limit=0', 'limit=201', 'limit=1.5', 'limit=-1', 'limit=x', 'limit=1e2', 'limit='],
  ...['status=all', 'status=ACTIVE', 'cursor=x', 'cursor=', `cursor=${btoa('["x","y"]')}`],
  `cursor=${btoa('["0000-01-01T00:00:00.000Z","00000000-0000-4000-8000-000000000000"]')}`,
])('a list by %s is 422', async (query) => {
  const { status, body } = await get(`?${query}`)
  expect(status).toBe(422)
  expect(body.data.errors[0].field).toBe(query.split('=')[0])
})

test('nobody sees another’s tokens in a list', async () => {
  const { body } = await get('?limit=200')
  expect(idsOf(body.data.tokens)).not.toContain(foreign.id)
})

test.each([
  ['GET', '', undefined],
  ['DELETE', '', undefined],
  ['GET', '/logs', undefined],
  ['POST', '/regenerate', {}],
  ['PUT', '/allowed-ips', { allowed_ips: ['192.0.2.1'] }],
  ['PUT', '/rate-limit', { rate_limit_per_minute: 1 }],
])(
  'security 20: %s /{id}%s says the same of a foreign, an unknown and a malformed id',
  async (method, rest, json) => {
    const ids = [
      foreign.id,
      crypto.randomUUID(),
      ...['not-a-uuid', '1', '%00', '%zz', '%E0%A4%A', `${foreign.id}x`, "'--", '__proto__'],
    ]
    const answers = await Promise.all(
      ids.map((id) =>
        app.call(method, `/api/v1/tokens/${id}${rest}`, {
          bearer: user.jwt,
          ...(json !== undefined && { json }),
        }),
      ),
    )
    for (const [at, { status, text, headers }] of answers.entries()) {
      expect([ids[at], status, text]).toEqual([
        ids[at],
        404,
        JSON.stringify({ success: false, error: 'Not Found' }),
      ])
      expect([...headers.keys()]).toEqual([...(answers[0]?.headers.keys() ?? [])])
    }
    expect((await app.call('GET', '/api/v1/users/me', { bearer: foreign.token })).status).toBe(200)
    expect((await get(`/${foreign.id}`, other)).body.data).toMatchObject({
      allowed_ips: null,
      rate_limit_per_minute: null,
      status: 'active',
    })
  },
)
