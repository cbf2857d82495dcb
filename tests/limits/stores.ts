// The stores that keep the same promises, each on a clock that the test turns.

import type { AttemptStore, Send } from '../../src/plugins/rate-limit/index.ts'
import { memoryStore, redisStore } from '../../src/plugins/rate-limit/index.ts'
import { openRedis } from '../../src/redis.ts'
import { REDIS_KINDS, testRedis } from '../kit/redis.ts'

/** In milliseconds. */
export type Clock = { now: number }
export type Stores = {
  /** A store of a minute, empty. */
  at(clock: Clock, limit: number): AttemptStore
  end(): Promise<void>
}

export const inMemory = async (): Promise<Stores> => ({
  at: (clock, limit) => memoryStore({ limit, windowSeconds: 60, now: () => clock.now }),
  end: async () => {},
})

const TIME = "redis.call('TIME')"

/** The script as it is, but that the time it asks for comes from the test. `kind` is a server that is installed. */
export async function inRedis(kind: string): Promise<Stores> {
  const redis = await testRedis([], kind)
  const { send, close } = await openRedis(redis.url, () => {})
  let stores = 0
  const sendAt =
    (clock: Clock): Send =>
    async ([name = '', script = '', ...rest]) => {
      if (name === 'EVALSHA') throw new Error('NOSCRIPT')
      if (name !== 'EVAL') return send([name, script, ...rest])
      if (!script.includes(TIME)) throw new Error('the script has another clock')
      const seconds = Math.floor(clock.now / 1000)
      const time = [String(seconds), String(Math.round((clock.now - seconds * 1000) * 1000))]
      return send([name, script.replace(TIME, '{ ARGV[3], ARGV[4] }'), ...rest, ...time])
    }
  return {
    at: (clock, limit) =>
      redisStore({ send: sendAt(clock), name: `store ${++stores}`, limit, windowSeconds: 60 }),
    async end() {
      close()
      await redis.end()
    },
  }
}

/** For `describe.each`: `open` the stores, and how many `runs` of a property. */
export const kinds = [
  { where: 'in memory', open: inMemory, runs: (all: number) => all },
  // Each hit is a way there and back: of what memory is tested with, a tenth of the runs.
  ...REDIS_KINDS.filter(({ isThere }) => isThere).map(({ kind }) => ({
    where: `in ${kind}`,
    open: () => inRedis(kind),
    runs: (all: number) => Math.ceil(all / 10),
  })),
]
