import { mkdir } from 'node:fs/promises'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { createApp } from './app.ts'
import { createPasswords } from './auth/password.ts'
import { type Config, ConfigError, introspectionClient, loadConfig } from './config.ts'
import { createCounts } from './counts.ts'
import { isDatabaseDown } from './db.ts'
import { loadSample } from './files/sample.ts'
import { keepSwept } from './files/sweep.ts'
import { inFlight } from './in-flight.ts'
import { memoryLimits, redisLimits } from './limits.ts'
import { createLog, type Log } from './log.ts'
import { pendingMigrations } from './migrate.ts'
import { openDatabase } from './open-database.ts'
import { keepPartitions } from './plugins/audit/index.ts'
import { keepRetention } from './retention/retention.ts'
import { keptSecretKey } from './secret-key.ts'
import { warnIfOwner } from './service-role.ts'
import { openStorage } from './storage/open.ts'
import { openParts } from './uploads/parts.ts'
import { createQueue } from './uploads/queue.ts'

export type Server = {
  url: string
  /** The address at the other end of a request's socket, while that is open. */
  peer(request: Request): string | null
  /** Takes nothing new, and resolves when what is under way has been answered. */
  stop(): Promise<void>
  /** Breaks off what is left. */
  abort(): Promise<void>
}

/** Serves `fetch`. */
export type Listen = (options: {
  hostname: string
  port: number
  fetch: (request: Request) => Response | Promise<Response>
  /** Resolves when every request has its response. */
  settled: () => Promise<void>
}) => Server

/** A supervisor waits for 10 seconds, as a rule, before it kills: beside DRAIN_DELAY_SECONDS all of these stay below. */
const DRAIN_MS = 6_000
const SETTLE_MS = 1_000
const STOP_MS = 9_500

/** The whole program: settings, database, migrations, server, and after a signal all of it in reverse. */
export async function run(listen: Listen): Promise<void> {
  const signal = firstSignal()
  try {
    const config = loadConfig(process.env)
    const log = createLog(config.LOG_LEVEL ?? (config.DEBUG ? 'debug' : 'info'))
    const service = await Promise.race([start(config, log, listen), signal])
    // Nothing is half-done: migrations are one transaction, and the embedded database ends with us.
    if (typeof service === 'string') process.exit(0)
    const exitCode = await Promise.race([signal.then(() => 0), service.lost.then(() => 1)])
    log.info('stopping')
    await service.unready()
    setTimeout(() => {
      log.error('stopped before everything was closed')
      process.exit(1)
    }, STOP_MS)
    await service.close()
    log.info('stopped')
    process.exit(exitCode)
  } catch (error) {
    process.stderr.write(`${failure(error)}\n`)
    process.exit(1)
  }
}

const firstSignal = () =>
  new Promise<string>((resolve) => {
    process.on('SIGTERM', resolve)
    process.on('SIGINT', resolve)
  })

async function start(config: Config, log: Log, listen: Listen) {
  await mkdir(config.DATA_DIR, { recursive: true })
  const database = await openDatabase(config, log)
  const { sql, auditSql } = database
  let stopping = false
  try {
    await warnIfOwner(sql, log)
    const partitions = keepPartitions({
      sql,
      onError: (error) => log.warn('audit partitions not made', { error: String(error) }),
    })
    await partitions.made
    const counts = createCounts(log)
    const [storage, exports, parts, queue, sample, secretKey, limits] = await Promise.all([
      openStorage(config, log, 'files'),
      openStorage(config, log, 'audit'),
      openParts(config),
      createQueue(sql, log),
      loadSample(),
      config.SECRET_KEY ?? keptSecretKey(config.DATA_DIR),
      config.REDIS_URL ? redisLimits(config.REDIS_URL, { log, counts }) : memoryLimits(),
    ])
    const app = createApp({
      sql,
      auditSql,
      log,
      counts,
      storage,
      parts,
      queue,
      sample,
      secretKeys: [secretKey, ...(config.SECRET_KEY_PREVIOUS ? [config.SECRET_KEY_PREVIOUS] : [])],
      accessTokenMinutes: config.ACCESS_TOKEN_EXPIRE_MINUTES,
      passwords: createPasswords(),
      limits,
      rateLimitPerMinute: config.RATE_LIMIT_PER_MINUTE,
      tokenRateLimitPerMinute: config.TOKEN_RATE_LIMIT_PER_MINUTE,
      trustedProxies: config.TRUSTED_PROXIES,
      corsOrigins: config.CORS_ORIGINS,
      maxUploadBytes: config.MAX_UPLOAD_BYTES,
      maxStorageBytesPerUser: config.MAX_STORAGE_BYTES_PER_USER,
      auditRequired: config.AUDIT_REQUIRED,
      introspectionClient: introspectionClient(config),
      peer: (request) => server.peer(request),
      pendingMigrations: () => pendingMigrations(sql),
      stopping: () => stopping,
    }).compile()
    const requests = inFlight(app.fetch)
    const server = orRefuse(listen, {
      hostname: config.HOST,
      port: config.PORT,
      fetch: requests.fetch,
      settled: requests.settled,
    })
    const days = config.AUDIT_RETENTION_DAYS
    const { auditFlush, finishing, pat, uploadSweep } = app.decorator
    await finishing.start()
    const rounds = [
      ...(days > 0 ? [keepRetention({ sql, storage: exports, days, log })] : []),
      keepSwept({ sql, storage, log }),
      uploadSweep.keep(),
    ]
    log.info('listening', { url: server.url, docs: `${server.url}/docs` })
    return {
      lost: database.lost,
      /** Serves on for a moment, in which whoever asks /ready learns to send requests elsewhere. */
      async unready() {
        stopping = true
        const delayMs = config.DRAIN_DELAY_SECONDS * 1000
        if (delayMs > 0) await Promise.race([delay(delayMs), database.lost])
      },
      async close() {
        const drained = server.stop().then(() => true)
        if (!(await Promise.race([drained, delay(DRAIN_MS, false)]))) {
          log.warn('breaking off the requests that are left')
          await server.abort()
        }
        // An upload that was broken off still removes its bytes and writes its audit row.
        const settled = Promise.all([requests.settled(), ...rounds.map(({ stop }) => stop())])
        await Promise.race([settled, delay(SETTLE_MS)])
        await auditFlush()
        await finishing.stop()
        partitions.stop()
        limits.close()
        await pat.close()
        await database.close()
      },
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

function orRefuse(listen: Listen, options: Parameters<Listen>[0]): Server {
  try {
    return listen(options)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new ConfigError(`Port ${options.port} is in use: stop the other program, or set PORT`)
    }
    throw new ConfigError(
      'HOST and PORT are not usable: they take an address of this machine and a port that this account may open',
    )
  }
}

/** One line that a person can act on. */
function failure(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (!(error instanceof Error)) return 'The start failed'
  if (isDatabaseDown(error)) return `The database is not usable: ${error.message}`
  return `The start failed: ${error.message}`
}
