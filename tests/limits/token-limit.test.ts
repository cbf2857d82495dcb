import { afterAll, beforeAll, expect, test } from 'bun:test'
import { parseList } from 'structured-headers'
import { type Answer, type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
beforeAll(async () => {
  app = await testApp({ tokenRateLimitPerMinute: 5, rateLimitPerMinute: 1000 })
  user = await app.user()
})
afterAll(() => app.close())

let addresses = 0
/** Each time from another address, so that only the token's own limit can refuse. */
const use = (bearer: string, path = '/api/v1/users/me') =>
  app.call('GET', path, { bearer, from: `10.3.0.${++addresses % 250}` })
const statusesOf = async (times: number, { token }: Token, path?: string) => {
  const statuses: number[] = []
  for (let time = 0; time < times; time++) statuses.push((await use(token, path)).status)
  return statuses
}
/** What a field says, by policy: the parameters of each item of the list. */
const said = ({ headers }: Answer, field: string): Record<string, Record<string, unknown>> =>
  Object.fromEntries(
    parseList(headers.get(field) ?? '').map(([name, parameters]) => [
      name,
      Object.fromEntries(parameters),
    ]),
  )

test('a token is refused beyond its limit, whatever address it comes from, and no other token is', async () => {
  const token = await app.token(user, ['users:read'])
  expect(await statusesOf(5, token)).toEqual([200, 200, 200, 200, 200])
  const { status, headers, body } = await use(token.token)
  const wait = Number(headers.get('retry-after'))
  expect([status, body]).toEqual([
    429,
    { success: false, error: 'Too Many Requests', data: { retry_after: wait } },
  ])
  expect(wait).toBeWithin(1, 61)
  expect(await statusesOf(1, await app.token(user, ['users:read']))).toEqual([200])
})

test('the refusal is in the log of the token, as not authorized', async () => {
  const token = await app.token(user, ['users:read'])
  await statusesOf(6, token)
  const rows = await app.auditOf(token.id)
  expect(rows).toHaveLength(6)
  expect(rows.at(-1)).toMatchObject({
    status_code: 429,
    authorized: false,
    reason: 'Too Many Requests',
  })
})

test('every answer says in structured fields where the client stands in each policy', async () => {
  const { token } = await app.token(user, ['users:read'])
  for (const [path, left] of [
    ['/api/v1/users/me', 4],
    ['/api/v1/workspaces', 3],
    ['/api/v1/fcs/files/unknown', 2],
  ] as const) {
    const answer = await use(token, path)
    expect(said(answer, 'ratelimit-policy')).toEqual({
      address: { q: 1000, w: 60 },
      token: { q: 5, w: 60 },
    })
    const standing = said(answer, 'ratelimit')
    expect(Object.keys(standing)).toEqual(['address', 'token'])
    expect([path, standing.token?.r]).toEqual([path, left])
    expect(standing.address?.r).toBeWithin(0, 1000)
    expect(standing.address?.t).toBeWithin(1, 61)
    expect(standing.token?.t).toBeWithin(1, 61)
  }
})

test('a request that no token is accepted for counts for none', async () => {
  const token = await app.token(user, ['users:read'], { allowed_ips: ['10.3.0.0/16'] })
  for (let time = 0; time < 6; time++) {
    const elsewhere = await app.call('GET', '/api/v1/users/me', {
      bearer: token.token,
      from: '10.9.0.1',
    })
    expect(elsewhere.status).toBe(403)
    expect(Object.keys(said(elsewhere, 'ratelimit'))).toEqual(['address'])
  }
  expect(await statusesOf(1, token)).toEqual([200])
})

test("a token's own limit lowers the limit of all, and never raises it", async () => {
  const low = await app.token(user, ['users:read'], { rate_limit_per_minute: 2 })
  expect(await statusesOf(3, low)).toEqual([200, 200, 429])
  const high = await app.token(user, ['users:read'], { rate_limit_per_minute: 100 })
  const answer = await use(high.token)
  expect(said(answer, 'ratelimit-policy').token).toEqual({ q: 5, w: 60 })
  expect(await statusesOf(5, high)).toEqual([200, 200, 200, 200, 429])
})

test('an own limit can be changed, shown and lifted, and holds from the answer on', async () => {
  const token = await app.token(user, ['users:read'])
  const path = `/api/v1/tokens/${token.id}`
  const limit = (rate_limit_per_minute: number | null) =>
    app.call('PUT', `${path}/rate-limit`, { bearer: user.jwt, json: { rate_limit_per_minute } })
  expect(await statusesOf(3, token)).toEqual([200, 200, 200])

  const lowered = await limit(2)
  expect([lowered.status, lowered.body.data.rate_limit_per_minute]).toEqual([200, 2])
  const refused = await use(token.token)
  expect([refused.status, said(refused, 'ratelimit').token?.r]).toEqual([429, 0])
  const shown = await app.call('GET', path, { bearer: user.jwt })
  expect(shown.body).toEqual(lowered.body)
  const listed = await app.call('GET', '/api/v1/tokens', { bearer: user.jwt })
  const item = listed.body.data.tokens.find(({ id }: Token) => id === token.id)
  expect(item.rate_limit_per_minute).toBe(2)

  expect((await limit(null)).body.data.rate_limit_per_minute).toBeNull()
  expect(await statusesOf(3, token)).toEqual([200, 200, 429])
})

test('an own limit stays when the token gets a new string, and what was used of it counts', async () => {
  const token = await app.token(user, ['users:read'], { rate_limit_per_minute: 2 })
  await statusesOf(1, token)
  const path = `/api/v1/tokens/${token.id}/regenerate`
  const { data } = (await app.call('POST', path, { bearer: user.jwt })).body
  expect(data.rate_limit_per_minute).toBe(2)
  expect(await statusesOf(2, data)).toEqual([200, 429])
})

test.each([0, -1, 1_000_001, 1.5, '5', undefined])(
  'no own limit is %p: the token keeps what it had',
  async (rate_limit_per_minute) => {
    const token = await app.token(user, ['users:read'], { rate_limit_per_minute: 3 })
    const path = `/api/v1/tokens/${token.id}`
    const json = { rate_limit_per_minute }
    const { status } = await app.call('PUT', `${path}/rate-limit`, { bearer: user.jwt, json })
    const { data } = (await app.call('GET', path, { bearer: user.jwt })).body
    expect([status, data.rate_limit_per_minute]).toEqual([422, 3])
  },
)

test("a stranger's token has no limit to change", async () => {
  const token = await app.token(user, ['users:read'])
  const stranger = await app.user()
  const { status } = await app.call('PUT', `/api/v1/tokens/${token.id}/rate-limit`, {
    bearer: stranger.jwt,
    json: { rate_limit_per_minute: 1 },
  })
  expect(status).toBe(404)
  expect(await statusesOf(2, token)).toEqual([200, 200])
})

test('where the service has no limit per token, the own one of a token holds', async () => {
  const open = await testApp({ tokenRateLimitPerMinute: 0 })
  const owner = await open.user()
  const statuses = async ({ token }: Token) => {
    const answers = [1, 2, 3].map(() => open.call('GET', '/api/v1/users/me', { bearer: token }))
    return (await Promise.all(answers)).map(({ status }) => status).sort()
  }
  const free = await statuses(await open.token(owner, ['users:read']))
  const own = await statuses(await open.token(owner, ['users:read'], { rate_limit_per_minute: 2 }))
  await open.close()
  expect([free, own]).toEqual([
    [200, 200, 200],
    [200, 200, 429],
  ])
})
