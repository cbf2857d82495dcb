import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Instance, instances, limitsOf } from '../kit/instances.ts'
import { hasRedis, type TestRedis, testRedis, unlessRedis } from '../kit/redis.ts'
import { until } from '../kit/service.ts'

setDefaultTimeout(20_000)

const DOWN = 'limits are not shared: each instance counts by itself'
const UP = 'limits are shared again'
const COUNTS = 'counts since the start'

/** How often each status came of so many calls at once, from an address. */
async function statuses({ app }: Instance, count: number, from: string) {
  const calls = Array.from({ length: count }, () => app.call('GET', '/', { from }))
  const counts: Record<number, number> = {}
  for (const { status } of await Promise.all(calls)) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

describe.skipIf(!hasRedis)(`when Redis is gone${unlessRedis}`, () => {
  const ends: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    while (ends.length > 0) await ends.pop()?.()
  })

  const started = async (...args: string[]) => {
    const redis = await testRedis(args)
    ends.push(redis.end)
    return redis
  }
  /** Two instances that let an address make five requests a minute. */
  const two = async (redis: TestRedis) => {
    const made = await instances(2, redis.url, { rateLimitPerMinute: 5 })
    ends.push(made.close)
    const [one = expect.unreachable(), other = expect.unreachable()] = made.all
    return {
      one,
      other,
      back: () => until(async () => made.all.every(({ count }) => count(UP) > 0)),
    }
  }
  const limits = async (redis: { url: string }) => {
    const made = await limitsOf(redis.url)
    ends.push(async () => made.limits.close())
    return made
  }

  test('stopped: every request is answered, each instance limits by itself, and says so once', async () => {
    const redis = await started()
    const { one, other, back } = await two(redis)
    expect(await statuses(one, 3, '192.0.2.1')).toEqual({ 200: 3 })
    await redis.suspend()
    expect(await statuses(one, 20, '192.0.2.1')).toEqual({ 200: 5, 429: 15 })
    expect(await statuses(other, 20, '192.0.2.1')).toEqual({ 200: 5, 429: 15 })
    expect(await statuses(one, 20, '192.0.2.2')).toEqual({ 200: 5, 429: 15 })
    for (const { events, count } of [one, other]) {
      await until(async () => count(DOWN) > 0)
      expect([count(DOWN), count(UP), count(COUNTS)]).toEqual([1, 0, 1])
      const [down, counts] = [DOWN, COUNTS].map((name) =>
        events.find(({ event }) => event === name),
      )
      expect(down).toMatchObject({ level: 'warn', error: 'no answer within 250 ms' })
      expect(counts).toMatchObject({ hits_counted_alone: 1 })
    }
    await redis.resume()
    await back()
    expect(await statuses(one, 4, '192.0.2.3')).toEqual({ 200: 4 })
    expect(await statuses(other, 4, '192.0.2.3')).toEqual({ 200: 1, 429: 3 })
    expect([one.count(DOWN), other.count(DOWN)]).toEqual([1, 1])
  })

  test('killed and started again with nothing in it: no request fails, and the limit is one again', async () => {
    const redis = await started()
    const { one, other, back } = await two(redis)
    expect(await statuses(one, 5, '192.0.2.1')).toEqual({ 200: 5 })
    await redis.kill()
    expect(await statuses(one, 7, '192.0.2.1')).toEqual({ 200: 5, 429: 2 })
    expect(await statuses(other, 7, '192.0.2.1')).toEqual({ 200: 5, 429: 2 })
    await redis.start()
    await back()
    expect(await statuses(one, 3, '192.0.2.1')).toEqual({ 200: 3 })
    expect(await statuses(other, 3, '192.0.2.1')).toEqual({ 200: 2, 429: 1 })
    expect([one.count(DOWN), other.count(DOWN)]).toEqual([1, 1])
  })

  test('flushed under requests: the count begins anew, and nothing else happens', async () => {
    const redis = await started()
    const { one, other } = await two(redis)
    expect(await statuses(one, 6, '192.0.2.1')).toEqual({ 200: 5, 429: 1 })
    const under = statuses(other, 50, '192.0.2.2')
    await redis.command('FLUSHALL')
    expect(Object.keys(await under).filter((status) => status !== '429')).toEqual(['200'])
    expect(await statuses(other, 6, '192.0.2.1')).toEqual({ 200: 5, 429: 1 })
    expect([...one.events, ...other.events]).toEqual([])
  })

  test('not there at the start: limits hold in memory, and are shared once it is', async () => {
    const redis = await started()
    await redis.kill()
    const { one, other, back } = await two(redis)
    expect(await statuses(one, 7, '192.0.2.1')).toEqual({ 200: 5, 429: 2 })
    expect([one.count(DOWN), other.count(DOWN)]).toEqual([1, 1])
    await redis.start()
    await back()
    expect(await statuses(one, 4, '192.0.2.1')).toEqual({ 200: 4 })
    expect(await statuses(other, 4, '192.0.2.1')).toEqual({ 200: 1, 429: 3 })
  })

  test('while it is known to be gone, no hit is waited for', async () => {
    const redis = await started()
    const { limits: made, count } = await limits(redis)
    const store = made.store('some', { limit: 2, windowSeconds: 60 })
    const known = made.recent('known')
    await known.add('a')
    const asked = store.hit('a')
    expect(asked).toBeInstanceOf(Promise)
    await asked
    await redis.suspend()
    expect(await store.hit('a')).toMatchObject({ allowed: true, remaining: 1 })
    expect(store.hit('a')).toEqual({ allowed: true, remaining: 0, resetSeconds: 60 })
    expect(store.hit('a')).toEqual({ allowed: false, remaining: 0, resetSeconds: 60 })
    // One of its own is that here, too.
    expect(store.hit('b', 1)).toMatchObject({ allowed: true, remaining: 0 })
    expect(store.hit('b', 1)).toMatchObject({ allowed: false })
    // Who was added by this instance is known to it, and nobody else.
    expect([known.has('a'), known.has('b')]).toEqual([true, false])
    await until(async () => count(DOWN) === 1)
    expect(store.hit('a')).toMatchObject({ allowed: false })
    await redis.resume()
    await until(async () => count(UP) === 1)
    expect(store.hit('a')).toBeInstanceOf(Promise)
  })

  test('stopped for a moment, it is not given up', async () => {
    const redis = await started()
    const { limits: made, events } = await limits(redis)
    const store = made.store('some', { limit: 2, windowSeconds: 60 })
    await redis.suspend()
    expect(await store.hit('a')).toMatchObject({ remaining: 1 })
    await redis.resume()
    await until(async () => store.hit('b') instanceof Promise)
    expect(events.map(({ event }) => event)).toEqual([COUNTS])
  })

  test('a hit is taken back where it was counted', async () => {
    const redis = await started()
    const { limits: made, count } = await limits(redis)
    const store = made.store('some', { limit: 2, windowSeconds: 60 })
    const shared = await store.hit('a')
    await redis.kill()
    await until(async () => count(DOWN) === 1)
    const alone = await store.hit('a')
    // Redis has it, which is gone: what was counted here is another's.
    await store.takeBack('a', shared)
    expect((await store.hit('a')).remaining).toBe(0)
    await redis.start()
    await until(async () => count(UP) === 1)
    expect((await store.hit('a')).remaining).toBe(1)
    await store.takeBack('a', alone)
    expect((await store.hit('a')).remaining).toBe(0)
  })

  test('a process that was busy itself does not take Redis for gone', async () => {
    const { limits: made, events } = await limits(await started())
    const store = made.store('some', { limit: 2, windowSeconds: 60 })
    const hit = store.hit('a')
    const end = performance.now() + 500
    while (performance.now() < end);
    expect(await hit).toMatchObject({ remaining: 1 })
    expect(events).toEqual([])
  })

  test('a Redis that refuses to count is as good as gone, until it counts', async () => {
    const redis = await started('--maxmemory', '1')
    const { limits: made, events, count } = await limits(redis)
    const store = made.store('some', { limit: 2, windowSeconds: 60 })
    expect(store.hit('a')).toMatchObject({ remaining: 1 })
    expect(events[0]).toMatchObject({ event: DOWN, error: expect.stringContaining('OOM') })
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    await until(async () => count(UP) === 1)
    expect(await store.hit('a')).toMatchObject({ remaining: 1 })
  })

  test('one that takes the connection and says nothing is as good as gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pat-silent-'))
    const unix = join(folder, 'redis.sock')
    const silent = Bun.listen({ unix, socket: { data() {} } })
    const { count } = await limits({ url: `unix://user:password@${unix}` })
    expect(count(DOWN)).toBe(1)
    silent.stop(true)
    await rm(folder, { recursive: true })
  })

  test('a server that knows neither HELLO nor CLIENT is enough', async () => {
    const without = ['HELLO', 'CLIENT'].flatMap((name) => ['--rename-command', name, ''])
    const { limits: made, events } = await limits(await started(...without))
    const store = made.store('some', { limit: 2, windowSeconds: 60 })
    expect(await store.hit('a')).toMatchObject({ remaining: 1 })
    expect(await store.hit('a')).toMatchObject({ remaining: 0 })
    expect(events).toEqual([])
  })

  test('what is closed leaves no connection behind', async () => {
    const redis = await started()
    const connections = async () =>
      String(await redis.command('CLIENT', 'LIST')).match(/^id=/gm)?.length
    const { limits: made } = await limits(redis)
    expect(await connections()).toBe(2)
    made.close()
    await until(async () => (await connections()) === 1)
  })

  test('a password that is refused is in no line of the log', async () => {
    const redis = await started('--requirepass', 'the right one')
    const { hash } = Bun
    const wrong = `secret-${hash(redis.url)}`
    const { events } = await limits({ url: redis.url.replace('unix://', `unix://user:${wrong}@`) })
    expect(events).toMatchObject([{ event: DOWN, error: expect.stringContaining('WRONGPASS') }])
    expect(JSON.stringify(events)).not.toContain(wrong)
    const right = await limits({
      url: redis.url.replace('unix://', 'unix://default:the%20right%20one@'),
    })
    expect(right.events).toEqual([])
  })
})
