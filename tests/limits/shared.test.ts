import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Call, SECRET_KEY } from '../kit/app.ts'
import { instances } from '../kit/instances.ts'
import { hasRedis, type TestRedis, testRedis, unlessRedis } from '../kit/redis.ts'

describe.skipIf(!hasRedis)(`three instances on one Redis${unlessRedis}`, () => {
  let redis: TestRedis
  let made: Awaited<ReturnType<typeof instances>>
  beforeAll(async () => {
    redis = await testRedis()
    const limits = { rateLimitPerMinute: 60, tokenRateLimitPerMinute: 40 }
    made = await instances(3, redis.url, limits)
  })
  afterAll(async () => {
    await made.close()
    await redis.end()
  })

  const first = () => made.all[0]?.app ?? expect.unreachable()
  /** How often each status came of so many calls, all at once and each to the next instance. */
  const statuses = async (
    count: number,
    method: string,
    path: string,
    call: (at: number) => Call,
  ) => {
    const counts: Record<number, number> = {}
    const calls = Array.from({ length: count }, async (_, at) => {
      const app = made.all[at % made.all.length]?.app
      const { status } = (await app?.call(method, path, call(at))) ?? expect.unreachable()
      counts[status] = (counts[status] ?? 0) + 1
    })
    await Promise.all(calls)
    return counts
  }

  test('an address has its limit once, and not on each', async () => {
    const from = '192.0.2.1'
    expect(await statuses(300, 'GET', '/', () => ({ from }))).toEqual({ 200: 60, 429: 240 })
    // Each tells what is left of the same.
    const { headers } = await first().call('GET', '/', { from: '192.0.2.2' })
    expect(headers.get('ratelimit')).toStartWith('"address";r=59;')
    const next = await made.all[1]?.app.call('GET', '/', { from: '192.0.2.2' })
    expect(next?.headers.get('ratelimit')).toStartWith('"address";r=58;')
  })

  test('a token has its limit once, whatever addresses it comes from, and its own where that is lower', async () => {
    const user = await first().user()
    const use = async (more: Record<string, unknown>) => {
      const { token } = await first().token(user, ['users:read'], more)
      return statuses(120, 'GET', '/api/v1/users/me', (at) => ({
        bearer: token,
        from: `198.51.100.${at % 100}`,
      }))
    }
    expect(await use({})).toEqual({ 200: 40, 429: 80 })
    expect(await use({ rate_limit_per_minute: 7 })).toEqual({ 200: 7, 429: 113 })
  })

  test('reports of leaks have their limit once', async () => {
    const call = { from: '192.0.2.3', json: { credentials: ['pat_unknown'] } }
    const counts = await statuses(60, 'POST', '/api/v1/credentials/revoke', () => call)
    expect(counts[429]).toBe(50)
  })

  const login =
    (username: string, password: string, from: (at: number) => string) => (at: number) => ({
      json: { username, password },
      from: from(at),
    })
  const LOGIN = '/api/v1/auth/login'
  const stranger = (at: number) => `203.0.113.${at}`

  test('security 15: wrong passwords are counted together, by account and address and by account alone', async () => {
    const { username } = await first().user()
    const here = () => '192.0.2.4'
    const one = await statuses(45, 'POST', LOGIN, login(username, 'not it', here))
    expect(one).toEqual({ 401: 10, 429: 35 })
    const many = await statuses(60, 'POST', LOGIN, login(username, 'not it', stranger))
    expect(many).toEqual({ 401: 20, 429: 40 })
  })

  test('security 15: who has logged in at one instance is not locked out by strangers at another', async () => {
    const { username, password } = await first().user()
    const home = () => '192.0.2.5'
    const login5 = login(username, password, home)
    expect((await first().call('POST', LOGIN, login5(0))).status).toBe(200)
    await statuses(60, 'POST', LOGIN, login(username, 'not it', stranger))
    expect(await statuses(6, 'POST', LOGIN, login5)).toEqual({ 200: 6 })
    expect(
      await statuses(
        3,
        'POST',
        LOGIN,
        login(username, password, () => '192.0.2.6'),
      ),
    ).toEqual({
      429: 3,
    })
  })

  test('what succeeds counts for nothing', async () => {
    const { username, password } = await first().user()
    const right = login(username, password, () => '192.0.2.7')
    for (let round = 0; round < 8; round++) {
      expect(await statuses(3, 'POST', LOGIN, right)).toEqual({ 200: 3 })
    }
  })

  test('what Redis holds tells no name, no password and no token, and goes by itself', async () => {
    const { username, password } = await first().user()
    const typed = 'a password where a name belongs'
    await first().call('POST', LOGIN, { json: { username, password }, from: '192.0.2.8' })
    await first().call('POST', LOGIN, { json: { username, password: 'x' }, from: '192.0.2.8' })
    await first().call('POST', LOGIN, { json: { username: typed, password }, from: '192.0.2.8' })
    const keys = (await redis.command('KEYS', '*')) as string[]
    expect(keys.length).toBeGreaterThan(5)
    const familiar = (await redis.command('ZRANGE', 'pat-auth:familiar', '0', '-1')) as string[]
    expect(familiar.length).toBeGreaterThan(1)
    const held = [...keys, ...familiar].join('\n')
    const plain = (text: string) => new Bun.CryptoHasher('sha256').update(text).digest('base64url')
    for (const secret of [username, password, typed, SECRET_KEY, 'pat_']) {
      expect(held).not.toContain(secret)
      expect(held).not.toContain(plain(secret))
    }
    for (const key of keys) expect([key, await redis.command('TTL', key)]).not.toEqual([key, -1])
  })
})
