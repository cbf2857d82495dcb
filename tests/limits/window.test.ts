import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { memoryStore } from '../../src/plugins/rate-limit/index.ts'
import { kinds, type Stores } from './stores.ts'

async function times(count: number, ask: () => Promise<boolean>): Promise<number> {
  let passed = 0
  for (let i = 0; i < count; i++) if (await ask()) passed++
  return passed
}

describe.each(kinds)('a window $where', ({ open, runs }) => {
  let stores: Stores
  beforeAll(async () => {
    stores = await open()
  })
  afterAll(() => stores.end())

  /** A store of a minute on a clock that the test turns. */
  const storeOf = (limit: number) => {
    const clock = { now: Date.parse('2026-01-01T12:00:00Z') }
    const store = stores.at(clock, limit)
    const allowed = async (key: string) => (await store.hit(key)).allowed
    return { clock, store, allowed }
  }

  test("security 24: 60 just before a minute's turn leave none for just after it", async () => {
    const { clock, allowed } = storeOf(60)
    clock.now += 59_900
    expect(await times(60, () => allowed('a'))).toBe(60)
    clock.now += 200
    expect(await times(60, () => allowed('a'))).toBe(0)
    clock.now += 59_799
    expect(await allowed('a')).toBe(false)
    clock.now += 1
    expect(await times(61, () => allowed('a'))).toBe(60)
  })

  test('a hit says how many are left and in how many seconds the oldest is forgotten', async () => {
    const { clock, store } = storeOf(2)
    expect(await store.hit('a')).toEqual({ allowed: true, remaining: 1, resetSeconds: 60 })
    clock.now += 10_001
    expect(await store.hit('a')).toEqual({ allowed: true, remaining: 0, resetSeconds: 50 })
    expect(await store.hit('a')).toEqual({ allowed: false, remaining: 0, resetSeconds: 50 })
    clock.now += 49_998
    expect(await store.hit('a')).toEqual({ allowed: false, remaining: 0, resetSeconds: 1 })
    clock.now += 1
    expect(await store.hit('a')).toEqual({ allowed: true, remaining: 0, resetSeconds: 11 })
  })

  test('no minute has more than the limit, and nothing under the limit is refused', async () => {
    const gaps = fc.array(fc.nat({ max: 25_000 }), { minLength: 1, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), gaps, async (limit, gaps) => {
        const { clock, store } = storeOf(limit)
        const passed: number[] = []
        for (const gap of gaps) {
          clock.now += gap
          const recent = passed.filter((at) => at > clock.now - 60_000).length
          const hit = await store.hit('a')
          expect(hit.allowed).toBe(recent < limit)
          if (hit.allowed) passed.push(clock.now)
          expect(hit.remaining).toBe(limit - recent - (hit.allowed ? 1 : 0))
        }
      }),
      { numRuns: runs(300) },
    )
  })

  test('many addresses at once are counted as exactly as one', async () => {
    const steps = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 99 })), {
      minLength: 4000,
      maxLength: 4000,
    })
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const { clock, store } = storeOf(30)
        const passed = new Map<string, number[]>()
        for (const [gap, address] of steps) {
          clock.now += gap
          const key = `address ${address}`
          const recent = (passed.get(key) ?? []).filter((at) => at > clock.now - 60_000)
          const hit = await store.hit(key)
          expect(hit.allowed).toBe(recent.length < 30)
          if (hit.allowed) recent.push(clock.now)
          passed.set(key, recent)
          const oldest = recent[0] ?? Number.NaN
          expect(hit.resetSeconds).toBe(
            Math.max(1, Math.ceil((oldest + 60_000 - clock.now) / 1000)),
          )
        }
      }),
      { numRuns: runs(5), endOnFailure: true },
    )
  })

  test('who waits as long as it is told passes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 30_000 }), { maxLength: 20 }), async (gaps) => {
        const { clock, store } = storeOf(3)
        for (const gap of gaps) {
          clock.now += gap
          const hit = await store.hit('a')
          if (hit.allowed) continue
          clock.now += hit.resetSeconds * 1000
          expect((await store.hit('a')).allowed).toBe(true)
        }
      }),
      { numRuns: runs(200) },
    )
  })

  test('a clock that is set back lets nobody through early and keeps nobody out for good', async () => {
    const { clock, allowed } = storeOf(2)
    expect(await times(3, () => allowed('a'))).toBe(2)
    clock.now -= 3_600_000
    expect(await allowed('a')).toBe(false)
    clock.now += 3_660_000
    expect(await allowed('a')).toBe(true)
  })
})

test('when there is no room for another hit, everybody is refused until there is', async () => {
  const clock = { now: 0 }
  const store = memoryStore({ limit: 2, windowSeconds: 60, now: () => clock.now, maxHits: 3 })
  const ask = async (key: string) => (await store.hit(key)).allowed
  expect([await ask('a'), await ask('a'), await ask('b')]).toEqual([true, true, true])
  clock.now += 1000
  expect(await store.hit('c')).toEqual({ allowed: false, remaining: 2, resetSeconds: 59 })
  expect([await ask('a'), await ask('b')]).toEqual([false, false])
  clock.now += 59_000
  expect([await ask('c'), await ask('a')]).toEqual([true, true])
})

test('security 26: a million addresses take bounded memory and reset nobody', async () => {
  const clock = { now: 0 }
  const options = { limit: 60, windowSeconds: 60, now: () => clock.now, maxKeys: 10_000 }
  const store = memoryStore(options)
  const allowed = async (key: string) => store.hit(key).allowed
  expect(await times(60, () => allowed('victim'))).toBe(60)
  // Without what tests before it have left, and what is garbage.
  const memory = () => {
    Bun.gc(true)
    return process.memoryUsage.rss()
  }
  const before = memory()
  let passed = 0
  for (let i = 0; i < 1_000_000; i++) if (await allowed(`address ${i}`)) passed++
  expect(memory() - before).toBeLessThan(150 * 2 ** 20)
  // One key is the victim's; whoever came after the last free one shares a window of sixty.
  expect(passed).toBe(10_000 - 1 + 60)
  expect(await allowed('victim')).toBe(false)
  expect(await allowed('address 0')).toBe(true)

  clock.now += 60_000
  expect(await times(61, () => allowed('victim'))).toBe(60)
  expect(await times(61, () => allowed('somebody new'))).toBe(60)
  expect(await times(61, () => allowed('somebody else'))).toBe(60)
}, 20_000)

test('a window that has just begun is over in its whole length, whatever the clock says', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (now) => {
      const store = memoryStore({ limit: 2, windowSeconds: 60, now: () => now })
      expect(store.hit('a')).toEqual({ allowed: true, remaining: 1, resetSeconds: 60 })
    }),
  )
})
