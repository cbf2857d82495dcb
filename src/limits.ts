import type { Counts } from './counts.ts'
import type { Log } from './log.ts'
import {
  type AttemptStore,
  createLink,
  fallbackStore,
  memoryStore,
  redisStore,
  type Send,
} from './plugins/rate-limit/index.ts'
import { memoryRecent, type RecentKeys, redisRecent } from './recent-keys.ts'
import { openRedis } from './redis.ts'

/** Where is counted what is limited. What has a name counts together on all instances that share one. */
export type Limits = {
  store(name: string, window: { limit: number; windowSeconds: number }): AttemptStore
  recent(name: string): RecentKeys
  close(): void
}

/** A policy of so many requests a minute. */
export const perMinute = (limits: Limits, name: string, limit: number) => {
  const windowSeconds = 60
  return { name, store: limits.store(name, { limit, windowSeconds }), limit, windowSeconds }
}

/** In this process alone. `now` is in milliseconds. */
export const memoryLimits = (now = () => performance.now()): Limits => ({
  store: (_, window) => memoryStore({ ...window, now }),
  recent: memoryRecent,
  close() {},
})

/** In the Redis behind a URL, and in this process while that does not answer a hit within `answerMs` milliseconds. */
export async function redisLimits(
  url: string,
  { log, counts, answerMs = 50 }: { log: Log; counts: Counts; answerMs?: number },
): Promise<Limits> {
  const own = memoryLimits()
  const inRedis = (name: string) => `pat-auth:${name}`
  const link = createLink({
    answerMs,
    open: (lost) => openRedis(url, lost),
    prove: async (send: Send) =>
      redisStore({ send, name: inRedis('probe'), limit: 1, windowSeconds: 1 }).hit('probe'),
    onDown: (error) =>
      log.warn('limits are not shared: each instance counts by itself', {
        error: error instanceof Error ? error.message : 'unknown',
      }),
    onUp: () => log.info('limits are shared again'),
  })
  await link.start()

  return {
    store: (name, window) =>
      fallbackStore({
        link,
        shared: redisStore({ ...window, send: link.send, name: inRedis(name) }),
        own: memoryStore({ ...window, now: () => performance.now() }),
        onAlone: () => counts.add('hits_counted_alone'),
      }),
    recent(name) {
      const here = own.recent(name)
      const shared = redisRecent({ send: link.send, key: inRedis(name) })
      return {
        has(key) {
          const ask = () => shared.has(key)
          return here.has(key) || link.ask<boolean>(ask, () => false)
        },
        add(key) {
          here.add(key)
          const ask = () => shared.add(key)
          return link.ask<void>(ask, () => {})
        },
      }
    },
    close: link.close,
  }
}
