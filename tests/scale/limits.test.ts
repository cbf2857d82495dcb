// Three instances behind the balancer, with a Redis for their limits.
import { setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { client } from '../kit/client.ts'
import { startCluster } from '../kit/cluster.ts'
import { NGINX } from '../kit/nginx.ts'
import { createDatabase } from '../kit/postgres.ts'
import { hasRedis, testRedis, unlessRedis } from '../kit/redis.ts'
import { until } from '../kit/service.ts'

setDefaultTimeout(60_000)

const LIMIT = 30
const why = NGINX ? unlessRedis : ' (skipped: nginx is not installed)'
const withRedis = test.skipIf(!NGINX || !hasRedis)

withRedis(
  `what passes of an address through three instances is the limit, once${why}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pat-scale-'))
    const [database, redis] = [await createDatabase(), await testRedis()]
    const env = { REDIS_URL: redis.url, RATE_LIMIT_PER_MINUTE: `${LIMIT}` }
    const cluster = await startCluster({ folder, databaseUrl: database.url, env })
    try {
      const call = client(cluster.url)
      let addresses = 0
      const passed = async (network: string) => {
        const headers = { 'x-forwarded-for': `${network}${++addresses}` }
        const sent = Array.from({ length: 4 * LIMIT }, () => call('GET', '/', { headers }))
        return (await Promise.all(sent)).filter(({ status }) => status === 200).length
      }
      for (const network of ['192.0.2.', '2001:db8:0:']) {
        // On a busy machine Redis may be late for once; of limits that are not shared three times as many pass, always.
        await until(async () => Math.abs((await passed(network)) - LIMIT) <= 1)
      }
    } finally {
      await cluster.close()
      await redis.end()
      await database.drop()
      await rm(folder, { recursive: true })
    }
  },
)
