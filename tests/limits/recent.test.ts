// Keys that are known for as long as there is room, in memory and in Redis.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { Connection } from '../../src/plugins/rate-limit/index.ts'
import { memoryRecent, type RecentKeys, redisRecent } from '../../src/recent-keys.ts'
import { openRedis } from '../../src/redis.ts'
import { hasRedis, type TestRedis, testRedis } from '../kit/redis.ts'

let redis: TestRedis
let connection: Connection
beforeAll(async () => {
  if (!hasRedis) return
  redis = await testRedis()
  connection = await openRedis(redis.url, () => {})
})
afterAll(async () => {
  if (!hasRedis) return
  connection.close()
  await redis.end()
})

const MOST = 100_000
const FILL = `
for i = 1, ARGV[1] do redis.call('ZADD', KEYS[1], ARGV[2], 'other ' .. i) end`

/** Each with a way to add so many others that are younger than all that it has. */
const kinds: [string, () => { recent: RecentKeys; fill: (many: number) => unknown }][] = [
  [
    'memory',
    () => {
      const recent = memoryRecent()
      const fill = (many: number) => {
        for (let i = 1; i <= many; i++) recent.add(`other ${i}`)
      }
      return { recent, fill }
    },
  ],
  [
    'Redis',
    () => ({
      recent: redisRecent({ send: connection.send, key: 'recent' }),
      fill: (many) =>
        connection.send(['EVAL', FILL, '1', 'recent', String(many), String(Date.now() + 1)]),
    }),
  ],
]

describe.each(hasRedis ? kinds : kinds.slice(0, 1))('in %s', (_, open) => {
  test('when a hundred thousand are known the one is forgotten that was added longest ago', async () => {
    const { recent, fill } = open()
    await recent.add('b')
    await recent.add('a')
    await fill(MOST - 2)
    const known = async () => [await recent.has('a'), await recent.has('b')]
    expect(await known()).toEqual([true, true])
    await recent.add('b')
    await recent.add('one more')
    expect([...(await known()), await recent.has('one more')]).toEqual([false, true, true])
  })
})
