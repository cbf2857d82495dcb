import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { memoryStore } from '../../src/plugins/rate-limit/index.ts'
import { kinds, type Stores } from './stores.ts'

const none = { allowed: false, remaining: 0, resetSeconds: 1 }

describe.each(kinds)('taking back $where', ({ open, runs }) => {
  let stores: Stores
  beforeAll(async () => {
    stores = await open()
  })
  afterAll(() => stores.end())

  test('a hit that is taken back was never there, whatever else is counted', async () => {
    const step = fc.record({
      gap: fc.nat({ max: 20_000 }),
      key: fc.constantFrom('a', 'b'),
      takeBack: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(step, { maxLength: 80 }),
        async (limit, steps) => {
          const clock = { now: 0 }
          const store = stores.at(clock, limit)
          const counted = new Map<string, number[]>()
          let hit = none
          for (const { gap, key, takeBack } of steps) {
            clock.now += gap
            const recent = (counted.get(key) ?? []).filter((at) => at > clock.now - 60_000)
            counted.set(key, recent)
            if (takeBack) {
              recent.pop()
              await store.takeBack(key, hit)
              continue
            }
            hit = await store.hit(key)
            const { allowed, remaining, resetSeconds } = hit
            expect(allowed).toBe(recent.length < limit)
            if (allowed) recent.push(clock.now)
            expect(remaining).toBe(limit - recent.length)
            const oldest = recent[0] ?? Number.NaN
            expect(resetSeconds).toBe(Math.max(1, Math.ceil((oldest + 60_000 - clock.now) / 1000)))
          }
        },
      ),
      { numRuns: runs(1000) },
    )
  })

  test('taking back what was never counted does nothing', async () => {
    const store = stores.at({ now: 0 }, 1)
    await store.takeBack('a', none)
    expect(await store.hit('a')).toEqual({ allowed: true, remaining: 0, resetSeconds: 60 })
  })
})

test('what was counted together when there was no room for more keys is taken back there', async () => {
  const store = memoryStore({ limit: 1, windowSeconds: 60, now: () => 0, maxKeys: 1 })
  const ask = async (key: string) => (await store.hit(key)).allowed
  expect([await ask('a'), await ask('b'), await ask('c')]).toEqual([true, true, false])
  await store.takeBack('b')
  expect([await ask('c'), await ask('a')]).toEqual([true, false])
})
