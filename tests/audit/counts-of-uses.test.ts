import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import fc from 'fast-check'
import { audit } from '../../src/plugins/audit/index.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const ME = '/api/v1/users/me'
const item = async ({ id }: Token) =>
  (await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })).body.data
const log = async ({ id }: Token, query = '') =>
  (await app.call('GET', `/api/v1/tokens/${id}/logs?${query}`, { bearer: user.jwt })).body.data
const SINCE = 'from=2000-01-01T00:00:00Z'

/** An instance of the audit alone, on the same database, for uses of any token. */
function instance() {
  const audited = new Elysia()
    .use(
      audit({
        sql: app.pool,
        address: (request) => request.headers.get('x-from'),
        use: async ({ headers }) => ({
          tokenId: headers.get('x-token') ?? '',
          authorized: headers.get('x-authorized') === 'true',
          reason: null,
        }),
        required: true,
        onLost: () => undefined,
      }),
    )
    .get('/', () => 'done')
  return async (token: Token, authorized: boolean, from = '192.0.2.1') => {
    const headers = { 'x-token': token.id, 'x-authorized': String(authorized), 'x-from': from }
    return (await audited.handle(new Request('http://test.local/', { headers }))).status
  }
}

test('whatever instances write at once, in whatever order, the counts are those of the rows', async () => {
  const uses = fc.array(fc.record({ by: fc.nat(3), token: fc.nat(3), authorized: fc.boolean() }), {
    maxLength: 80,
  })
  const counted = fc.asyncProperty(uses, async (given) => {
    const instances = Array.from({ length: 4 }, instance)
    const tokens = await Promise.all(
      Array.from({ length: 4 }, () => app.token(user, ['users:read'])),
    )
    const statuses = await Promise.all(
      given.map(async ({ by, token, authorized }) =>
        instances[by]?.(tokens[token] as Token, authorized),
      ),
    )
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    for (const [at, token] of tokens.entries()) {
      const own = given.filter((use) => use.token === at)
      const allowed = own.filter(({ authorized }) => authorized).length
      const totals = async (range: string) =>
        await Promise.all(
          ['', 'authorized=true', 'authorized=false'].map(
            async (kind) => (await log(token, `${range}&${kind}`)).total_logs,
          ),
        )
      const expected = [own.length, allowed, own.length - allowed]
      expect(await totals('')).toEqual(expected)
      expect(await totals(SINCE)).toEqual(expected)
    }
  })
  await fc.assert(counted, { numRuns: 15 })
})

test('instances that count the same tokens in opposite orders do not block each other for good', async () => {
  const tokens = Array.from({ length: 100 }, () => ({ id: crypto.randomUUID(), token: '' }))
  const instances = Array.from({ length: 40 }, instance)
  const statuses = await Promise.all(
    instances.flatMap((use, at) => {
      const order = at % 2 === 0 ? tokens : tokens.toReversed()
      return order.map((token) => use(token, true))
    }),
  )
  expect(new Set(statuses)).toEqual(new Set([200]))
  const counted = await app.sql<{ uses: number }[]>`
    select sum(authorized)::int as uses from token_uses
    where token_id = any(${tokens.map(({ id }) => id)}::uuid[]) group by token_id`
  expect(counted.map(({ uses }) => uses)).toEqual(Array(100).fill(40))
})

test('the last use is the newest allowed one, to the millisecond, however close the uses were', async () => {
  const token = await app.token(user, ['users:read'])
  for (let turn = 0; turn < 20; turn++) {
    const from = `192.0.2.${turn}`
    await app.call('GET', ME, { bearer: token.token, from })
    await app.call('PUT', ME, { bearer: token.token, from: '198.51.100.1' })
    const { last_used_at, last_used_ip } = await item(token)
    const [newest] = (await log(token, 'authorized=true&limit=1')).logs
    expect([last_used_at, last_used_ip]).toEqual([newest.timestamp, newest.ip])
    expect(last_used_ip).toBe(from)
  }
})

test('of uses that are written together, the last is the newest too', async () => {
  const token = await app.token(user, ['users:read'])
  for (let turn = 0; turn < 10; turn++) {
    const froms = Array.from({ length: 20 }, (_, at) => `192.0.2.${at}`)
    await Promise.all(froms.map((from) => app.call('GET', ME, { bearer: token.token, from })))
    const { last_used_at, last_used_ip } = await item(token)
    const logs: { timestamp: string; ip: string }[] = (await log(token, 'limit=20')).logs
    expect(last_used_at).toBe(logs[0]?.timestamp)
    const newest = logs.filter(({ timestamp }) => timestamp === last_used_at)
    expect(newest.map(({ ip }) => ip)).toContain(last_used_ip)
  }
})

test('an instance whose clock is behind does not take the last use back', async () => {
  const token = await app.token(user, ['users:read'])
  await app.sql`
    insert into token_uses select ${token.id}, '2099-01-01', shard, 1, 0, '2099-01-01', '192.0.2.9'
    from generate_series(0, 15) as shard`
  expect(await instance()(token, true)).toBe(200)
  const { last_used_at, last_used_ip } = await item(token)
  expect([last_used_at, last_used_ip]).toEqual(['2099-01-01T00:00:00.000Z', '192.0.2.9'])
})

test('a token that somebody is changing is used, and its last use kept, without waiting', async () => {
  const token = await app.token(user, ['users:read'])
  await app.sql.begin(async (other) => {
    await other`select from tokens where id = ${token.id} for update`
    expect((await app.call('GET', ME, { bearer: token.token })).status).toBe(200)
    expect((await item(token)).last_used_at).toBeString()
  })
})

test('a list of tokens has the last use of each', async () => {
  const owner = await app.user()
  const tokens = [await app.token(owner, ['users:read']), await app.token(owner, ['users:read'])]
  const [unused, used] = tokens
  await app.call('GET', ME, { bearer: used?.token ?? '', from: '192.0.2.7' })
  const { body } = await app.call('GET', '/api/v1/tokens', { bearer: owner.jwt })
  expect(body.data.tokens).toMatchObject([
    { id: used?.id, last_used_ip: '192.0.2.7' },
    { id: unused?.id, last_used_at: null, last_used_ip: null },
  ])
})
