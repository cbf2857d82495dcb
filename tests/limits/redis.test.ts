import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Connection, redisStore } from '../../src/plugins/rate-limit/index.ts'
import { openRedis } from '../../src/redis.ts'
import { REDIS_KINDS, type TestRedis, testRedis } from '../kit/redis.ts'
import { until } from '../kit/service.ts'
import { inMemory, inRedis, type Stores } from './stores.ts'

for (const { kind, isThere, unlessThere } of REDIS_KINDS)
  describe.skipIf(!isThere)(`a limit in ${kind}${unlessThere}`, () => {
    let redis: TestRedis
    let connection: Connection
    let memory: Stores
    let clocked: Stores
    beforeAll(async () => {
      redis = await testRedis([], kind)
      connection = await openRedis(redis.url, () => {})
      memory = await inMemory()
      clocked = await inRedis(kind)
    })
    afterAll(async () => {
      connection.close()
      await redis.end()
      await clocked.end()
    })

    const send = (...words: string[]) => connection.send(words)
    const store = (name: string, limit: number, windowSeconds = 60) =>
      redisStore({ send: connection.send, name, limit, windowSeconds })

    test('it and memory say the same of any hits', async () => {
      const step = fc.record({
        // Of some, several make a window to the microsecond.
        gap: fc.oneof(fc.nat({ max: 2_000 }), fc.nat({ max: 70_000 }), fc.constantFrom(0, 20_000)),
        key: fc.constantFrom('a', 'b', '2001:db8:0:1', '}{'),
        // Null: that of the store.
        limit: fc.option(fc.integer({ min: 1, max: 8 })),
        takeBack: fc.boolean(),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
          const clock = { now: Date.parse('2026-01-01T12:00:00Z') }
          const [one, other] = [memory.at(clock, 6), clocked.at(clock, 6)]
          for (const { gap, key, limit, takeBack } of steps) {
            clock.now += gap
            const [here, there] = [
              await one.hit(key, limit ?? undefined),
              await other.hit(key, limit ?? undefined),
            ]
            expect(there).toEqual(here)
            if (takeBack && here.allowed) {
              await one.takeBack(key, here)
              await other.takeBack(key, there)
            }
          }
        }),
        { numRuns: 100 },
      )
    })

    // These wait for a second each.
    test.concurrent('the window is that of its clock', async () => {
      const { hit } = store('clock', 1, 1)
      expect(await hit('a')).toEqual({ allowed: true, remaining: 0, resetSeconds: 1 })
      expect((await hit('a')).allowed).toBe(false)
      await until(async () => (await hit('a')).allowed)
      expect((await hit('a')).allowed).toBe(false)
    })

    test.concurrent('a key holds no more than its limit, and goes by itself', async () => {
      const { hit, takeBack } = store('small', 5, 1)
      const hits = await Promise.all(Array.from({ length: 200 }, () => hit('a')))
      expect(hits.filter(({ allowed }) => allowed)).toHaveLength(5)
      expect(await send('KEYS', 'small*')).toEqual(['small:{a}'])
      expect(await send('LLEN', 'small:{a}')).toBe(5)
      expect(await send('PTTL', 'small:{a}')).toBeWithin(1, 1001)
      await takeBack('a', { allowed: true, remaining: 0, resetSeconds: 1 })
      expect(await send('LLEN', 'small:{a}')).toBe(4)
      await until(async () => (await send('EXISTS', 'small:{a}')) === 0)
    })

    test.concurrent('a key does not go before its window is over', async () => {
      await store('long', 5, 3_600).hit('a')
      expect(await send('PTTL', 'long:{a}')).toBeWithin(3_000_000, 3_600_001)
    })

    test.concurrent('after a clock that was set back a key goes by itself, too', async () => {
      const inAnHour = (Date.now() + 3_600_000) * 1000
      await send('RPUSH', 'back:{a}', String(inAnHour), String(inAnHour + 1))
      const { allowed, remaining, resetSeconds } = await store('back', 2, 1).hit('a')
      expect({ allowed, remaining, resetSeconds }).toEqual({
        allowed: false,
        remaining: 0,
        resetSeconds: 1,
      })
      await until(async () => (await send('EXISTS', 'back:{a}')) === 0)
    })

    test('a script that it has forgotten is sent again', async () => {
      const { hit } = store('forgotten', 5)
      expect((await hit('a')).remaining).toBe(4)
      await send('SCRIPT', 'FLUSH')
      expect((await hit('a')).remaining).toBe(3)
      expect((await hit('a')).remaining).toBe(2)
    })

    test('what it answers with an error fails', async () => {
      await send('SET', 'broken:{a}', 'no list')
      const failed = await Promise.resolve(store('broken', 5).hit('a')).catch(String)
      expect(failed).toContain('WRONGTYPE')
    })
  })

test.each([
  ['another error than that it has forgotten the script', () => Promise.reject(new Error('OOM'))],
  ['no list', async () => 'OK'],
])('%s is no count, and is not asked for again', async (_, send) => {
  const sent: string[] = []
  const { hit } = redisStore({
    send: ([command = '']) => {
      sent.push(command)
      return send()
    },
    ...{ name: 'odd', limit: 5, windowSeconds: 60 },
  })
  await expect(Promise.resolve(hit('a'))).rejects.toThrow()
  expect(sent).toEqual(['EVALSHA'])
})
