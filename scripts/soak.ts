// `bun scripts/soak.ts [minutes=15] [seed]`: three instances behind nginx under a mixed load, with a fault each minute. Tells
// of each minute, and at the end whether everything held, in one line of JSON. Needs Linux, nginx and
// redis-server.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { startCluster } from '../tests/kit/cluster.ts'
import { postgresEngine } from '../tests/kit/postgres-engine.ts'
import { randomNumbers } from '../tests/kit/random.ts'
import { testRedis } from '../tests/kit/redis.ts'
import { startS3 } from '../tests/kit/s3.ts'
import { BEST_S3 } from '../tests/kit/s3-kinds.ts'
import { LIMIT } from './soak/burst.ts'
import {
  brokenFiles,
  isFlat,
  orphans,
  type Sample,
  sample,
  straysInPieces,
  withoutRow,
} from './soak/checks.ts'
import { deck, faultsOf } from './soak/faults.ts'
import { createLedger } from './soak/ledger.ts'
import { startLoad } from './soak/load.ts'

const [minutes = 15, seed = Math.floor(Math.random() * 1e9)] = process.argv.slice(2).map(Number)
// The faults have numbers of their own, so that a seed has the same ones again whatever the load comes to.
const random = randomNumbers(seed)
const MINUTE_MS = 60_000
const FAULT_AFTER_MS = 5_000
/** At the end of each minute nothing may fail any more. */
const CALM_MS = 10_000

const folder = await mkdtemp(join(tmpdir(), 'pat-soak-'))
await chmod(folder, 0o755)
const database = await postgresEngine(join(folder, 'postgres'))
await database.start()
const redis = await testRedis()
const s3 = await startS3(BEST_S3)
const sql = postgres(database.url, { max: 1, onnotice: () => {} })
const env = {
  ...{ REDIS_URL: redis.url, ...s3.env() },
  ...{ RATE_LIMIT_PER_MINUTE: `${LIMIT}`, TOKEN_RATE_LIMIT_PER_MINUTE: '1000000' },
}
const cluster = await startCluster({ folder, databaseUrl: database.url, env })
try {
  const ledger = createLedger()
  const instances = cluster.instances.map(({ url }) => url)
  const { load, stop } = await startLoad(cluster.url, instances, ledger, randomNumbers(~seed))
  const draw = deck(faultsOf({ cluster, postgres: database, redis, s3, load, random }), random)
  const samples: Sample[] = []
  const faults: string[] = []
  const unrecovered: string[] = []
  console.log(`seed ${seed}, ${minutes} minutes`)
  for (let minute = 1; minute <= minutes; minute++) {
    const began = Date.now()
    const { length: before } = ledger.failures
    const fault = draw()
    faults.push(fault.name)
    await Bun.sleep(FAULT_AFTER_MS)
    await fault.run()
    const mended = Math.round((Date.now() - began) / 1000)
    await Bun.sleep(Math.max(CALM_MS, began + MINUTE_MS - Date.now()))
    const late = ledger.failures.filter((at) => at > Date.now() - CALM_MS).length
    if (late > 0) unrecovered.push(`minute ${minute}, after ${fault.name}: ${late} failures`)
    if (ledger.sharedAt < Date.now() - CALM_MS) {
      unrecovered.push(`minute ${minute}, after ${fault.name}: limits are not shared`)
    }
    const now = await sample(cluster, sql)
    samples.push(now)
    const failures = ledger.failures.length - before
    console.log(
      `minute ${minute}: ${fault.name}, over at ${mended} s; ${ledger.answered.statuses.length} uses so far, ` +
        `${failures} calls failed, ${late} of them in the last ${CALM_MS / 1000} s; ${ledger.wrong.length} wrong; ` +
        `${now.rssMb} MB, ${now.handles} handles, ${now.connections} connections`,
    )
  }
  await stop()
  const missing = await withoutRow(sql, ledger)
  const broken = await brokenFiles(load)
  await Promise.all(cluster.instances.map((each) => each.ended('SIGTERM')))
  const swept = { ...env, DATABASE_URL: database.url, DATA_DIR: folder }
  const strays = [...(await orphans(swept)), ...(await straysInPieces(sql, await s3.keys()))]
  await Promise.all(cluster.instances.map((each) => each.start()))
  const flat = isFlat(samples)
  const held = ledger.wrong.length + unrecovered.length + missing + broken + strays.length === 0
  const result = {
    ok: held && flat,
    ...{ seed, minutes, faults, answers: ledger.counts, uses: ledger.answered.statuses.length },
    ...{ withoutRow: missing, files: ledger.files.size, brokenFiles: broken, orphans: strays },
    ...{ wrong: ledger.wrong.slice(0, 20), unrecovered, flat, samples },
  }
  console.log(JSON.stringify(result))
  process.exitCode = result.ok ? 0 : 1
} finally {
  await cluster.close()
  await sql.end({ timeout: 1 })
  await Promise.all([redis.end(), s3.stop(), database.kill()])
  await rm(folder, { recursive: true })
}
