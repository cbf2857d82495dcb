// Several instances of the app on one database and one Redis.
import type { AppOptions } from '../../src/app.ts'
import { createCounts } from '../../src/counts.ts'
import { redisLimits } from '../../src/limits.ts'
import { createLog } from '../../src/log.ts'
import { type TestApp, testApp } from './app.ts'

export type Instance = Awaited<ReturnType<typeof limitsOf>> & { app: TestApp }

/**
 * Limits in Redis as an instance has them, and what they log. On a busy machine a Redis that is well may not answer in as
 * short a time as the service gives it.
 */
export async function limitsOf(url: string, answerMs = 250) {
  const events: Record<string, unknown>[] = []
  const log = createLog('info', (line) => events.push(JSON.parse(line)))
  const limits = await redisLimits(url, { log, counts: createCounts(log), answerMs })
  const count = (event: string) => events.filter((line) => line.event === event).length
  return { limits, events, count }
}

export async function instances(many: number, url: string, options: Partial<AppOptions> = {}) {
  const made: Instance[] = []
  for (let at = 0; at < many; at++) {
    const own = await limitsOf(url)
    const { limits } = own
    const sql = made[0]?.app.pool
    made.push({ ...own, app: await testApp({ ...options, limits, ...(sql && { sql }) }) })
  }
  return {
    all: made,
    async close() {
      for (const { app, limits } of made.toReversed()) {
        await app.close()
        limits.close()
      }
    },
  }
}
