import { memoryStore } from './plugins/rate-limit/index.ts'

/** A policy of so many requests a minute, counted in memory. */
export const perMinute = (limit: number) => {
  const windowSeconds = 60
  const store = memoryStore({ limit, windowSeconds, now: () => performance.now() })
  return { store, limit, windowSeconds }
}
