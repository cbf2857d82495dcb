import type { Send } from './plugins/rate-limit/index.ts'

/** The keys that were added last. */
export type RecentKeys = {
  has(key: string): boolean | Promise<boolean>
  add(key: string): void | Promise<void>
}

const MOST = 100_000

/** As long as this process lives. */
export function memoryRecent() {
  const keys = new Set<string>()
  return {
    has: (key: string) => keys.has(key),
    add(key: string): void {
      keys.delete(key)
      keys.add(key)
      const [oldest] = keys
      if (keys.size > MOST && oldest !== undefined) keys.delete(oldest)
    },
  } satisfies RecentKeys
}

/** In a sorted set of Redis, until nothing was added to it for 30 days. */
export function redisRecent({ send, key: set }: { send: Send; key: string }) {
  return {
    has: async (key: string) => (await send(['ZSCORE', set, key])) !== null,
    async add(key: string): Promise<void> {
      await Promise.all([
        send(['ZADD', set, String(Date.now()), key]),
        send(['ZREMRANGEBYRANK', set, '0', String(-MOST - 1)]),
        send(['EXPIRE', set, String(30 * 86_400)]),
      ])
    },
  } satisfies RecentKeys
}
