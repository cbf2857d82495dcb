import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { client } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { hasRedis, type TestRedis, testRedis, unlessRedis } from '../kit/redis.ts'
import { folders, service, until } from '../kit/service.ts'

setDefaultTimeout(30_000)

const made = folders()
let database: Awaited<ReturnType<typeof createDatabase>>
let redis: TestRedis | undefined
beforeAll(async () => {
  database = await createDatabase()
  redis = hasRedis ? await testRedis() : undefined
})
afterAll(async () => {
  await redis?.end()
  await database.drop()
  await made.remove()
})

test.skipIf(!hasRedis)(
  `instances with one REDIS_URL share a limit, and stop whether Redis answers or not${unlessRedis}`,
  async () => {
    const folder = await made.create()
    const file = join(folder, 'redis-url')
    await writeFile(file, `${redis?.url}\n`)
    const env = {
      DATABASE_URL: database.url,
      REDIS_URL_FILE: file,
      RATE_LIMIT_PER_MINUTE: '10',
      TRUSTED_PROXIES: '127.0.0.1',
    }
    const both = await Promise.all([service(folder, env), service(await made.create(), env)])
    let address = 0
    const passed = async () => {
      const headers = { 'x-forwarded-for': `192.0.2.${++address}` }
      const calls = Array.from({ length: 30 }, (_, at) =>
        client(both[at % 2]?.url ?? '')('GET', '/', { headers }),
      )
      return (await Promise.all(calls)).filter(({ status }) => status === 200).length
    }
    // On a busy machine Redis may be late for once; of limits that are not shared 20 pass, always.
    await until(async () => (await passed()) === 10)
    const [one, other] = both
    expect(await one.end()).toBe(0)
    await redis?.suspend()
    expect((await client(other.url)('GET', '/')).status).toBe(200)
    await other.logged('limits are not shared: each instance counts by itself')
    expect(await other.end()).toBe(0)
    expect(other.lines.findLast(({ error }) => error)?.error).toBe('no answer within 50 ms')
  },
)

test('a service whose Redis is not there starts, says so, and works', async () => {
  const folder = await made.create()
  const REDIS_URL = `unix://user:a-long-password@${join(folder, 'nothing.sock')}`
  const alone = await service(folder, { DATABASE_URL: database.url, REDIS_URL })
  const { level } = await alone.logged('limits are not shared: each instance counts by itself')
  expect(level).toBe('warn')
  const { status, headers } = await client(alone.url)('GET', '/')
  expect([status, headers.get('ratelimit')]).toEqual([
    200,
    expect.stringContaining('"address";r=59;'),
  ])
  expect(await alone.end()).toBe(0)
  expect(JSON.stringify(alone.lines)).not.toContain('a-long-password')
})
