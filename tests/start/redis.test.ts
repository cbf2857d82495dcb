import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasOpenssl, unlessOpenssl } from '../kit/certificates.ts'
import { client } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { hasRedis, REDIS_KINDS, testRedis, tlsRedis, unlessRedis } from '../kit/redis.ts'
import { folders, service, until } from '../kit/service.ts'

setDefaultTimeout(30_000)

const made = folders()
let database: Awaited<ReturnType<typeof createDatabase>>
beforeAll(async () => {
  database = await createDatabase()
})
const ends: (() => Promise<unknown>)[] = []
afterAll(async () => {
  await Promise.all(ends.map((end) => end()))
  await database.drop()
  await made.remove()
})

const WAYS = [
  {
    way: 'a Unix socket',
    isThere: hasRedis,
    why: unlessRedis,
    open: async () => ({ redis: await testRedis(), env: {} }),
  },
  ...REDIS_KINDS.map(({ kind, isThere, unlessThere }) => ({
    way: `TLS of ${kind}`,
    isThere: isThere && hasOpenssl,
    why: unlessThere || unlessOpenssl,
    open: async (folder: string) => {
      const redis = await tlsRedis(folder, kind)
      return { redis, env: { NODE_EXTRA_CA_CERTS: redis.authority } }
    },
  })),
]

for (const { way, isThere, why, open } of WAYS) {
  test.skipIf(!isThere)(
    `instances with one REDIS_URL over ${way} share a limit, and stop whether Redis answers or not${why}`,
    async () => {
      const folder = await made.create()
      const { redis, env: own } = await open(folder)
      ends.push(redis.end)
      const file = join(folder, 'redis-url')
      await writeFile(file, `${redis.url}\n`)
      const env = {
        DATABASE_URL: database.url,
        REDIS_URL_FILE: file,
        RATE_LIMIT_PER_MINUTE: '10',
        TRUSTED_PROXIES: '127.0.0.1',
        ...own,
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
      await redis.suspend()
      expect((await client(other.url)('GET', '/')).status).toBe(200)
      await other.logged('limits are not shared: each instance counts by itself')
      expect(await other.end()).toBe(0)
      expect(other.lines.findLast(({ error }) => error)?.error).toBe('no answer within 50 ms')
    },
  )
}

/** A service whose Redis does not serve it starts, limits by itself, and says why in a line without the password. */
async function expectAlone(env: Record<string, string>, why: string | RegExp) {
  const alone = await service(await made.create(), { DATABASE_URL: database.url, ...env })
  const said = await alone.logged('limits are not shared: each instance counts by itself')
  expect(said).toMatchObject({ level: 'warn', error: expect.stringMatching(why) })
  const { status, headers } = await client(alone.url)('GET', '/')
  expect([status, headers.get('ratelimit')]).toEqual([
    200,
    expect.stringContaining('"address";r=59;'),
  ])
  expect(await alone.end()).toBe(0)
  expect(JSON.stringify(alone.lines)).not.toContain('a-long-password')
}

test('a service whose Redis is not there starts, says so, and works', async () => {
  const socket = join(await made.create(), 'nothing.sock')
  await expectAlone({ REDIS_URL: `unix://user:a-long-password@${socket}` }, 'ENOENT')
})

test.skipIf(!hasRedis || !hasOpenssl)(
  `a service that has no reason to believe its Redis sends it nothing, says so, and works${unlessRedis || unlessOpenssl}`,
  async () => {
    const redis = await tlsRedis(await made.create())
    ends.push(redis.end)
    const { url: REDIS_URL, authority: NODE_EXTRA_CA_CERTS } = redis
    await expectAlone({ REDIS_URL }, 'unable to verify the first certificate')
    const ofAnotherName = REDIS_URL.replace('localhost', '127.0.0.1')
    await expectAlone(
      { REDIS_URL: ofAnotherName, NODE_EXTRA_CA_CERTS },
      'does not match certificate',
    )
  },
)
