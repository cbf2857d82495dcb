import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import type { Sql } from 'postgres'
import { createApp } from './app.ts'
import { type Config, ConfigError, loadConfig } from './config.ts'
import { connect } from './db.ts'
import { loadSample } from './files/sample.ts'
import { createLog, type Log } from './log.ts'
import { migrate, pendingMigrations } from './migrate.ts'
import type { Peer } from './plugins/client-address.ts'
import { localStorage } from './storage/local.ts'

export type Listening = { url: string; stop(): Promise<void> }

/** Serves `fetch` on an address, with a way to ask for the peer of a request. */
export type Listen = (options: {
  hostname: string
  port: number
  app: (peer: Peer) => (request: Request) => Response | Promise<Response>
}) => Promise<Listening>

const DRAIN_MS = 9_000

/** The whole program: settings, database, migrations, server, and after a signal all of it in reverse. */
export async function run(listen: Listen): Promise<void> {
  try {
    await start(loadConfig(process.env), listen)
  } catch (error) {
    process.stderr.write(`${startFailure(error)}\n`)
    process.exit(1)
  }
}

async function start(config: Config, listen: Listen): Promise<void> {
  const log = createLog(config.LOG_LEVEL ?? (config.DEBUG ? 'debug' : 'info'))
  await mkdir(config.DATA_DIR, { recursive: true })
  const database = await openDatabase(config, log)
  const { sql } = database
  const closing = [database.close]
  try {
    await migrate({ sql, log })
    const [storage, sample, secretKey] = await Promise.all([
      localStorage(join(config.DATA_DIR, 'files')),
      loadSample(),
      config.SECRET_KEY ?? generatedKey(config.DATA_DIR),
    ])
    const server = await listen({
      hostname: config.HOST,
      port: config.PORT,
      app: (peer) => {
        const app = createApp({
          sql,
          log,
          storage,
          sample,
          secretKey,
          peer,
          accessTokenMinutes: config.ACCESS_TOKEN_EXPIRE_MINUTES,
          rateLimitPerMinute: config.RATE_LIMIT_PER_MINUTE,
          trustedProxies: config.TRUSTED_PROXIES,
          maxUploadBytes: config.MAX_UPLOAD_BYTES,
          auditRequired: config.AUDIT_REQUIRED,
          pendingMigrations: () => pendingMigrations(sql),
        }).compile()
        closing.unshift(app.decorator.auditFlush)
        return app.fetch
      },
    })
    closing.unshift(server.stop)
    log.info('listening', { url: server.url, docs: `${server.url}/docs` })
    closeOnSignal(closing, log)
    database.lost.then(() => {
      log.error('the embedded database is gone')
      process.exit(1)
    })
  } catch (error) {
    await database.close()
    throw error
  }
}

type Database = { sql: Sql; close(): Promise<void>; lost: Promise<void> }

async function openDatabase(config: Config, log: Log): Promise<Database> {
  if (config.DATABASE_URL) {
    const sql = connect(config.DATABASE_URL)
    return { sql, close: () => sql.end({ timeout: 2 }), lost: new Promise(() => {}) }
  }
  // Loaded only here: an installation with a database of its own need not carry PostgreSQL.
  const { startEmbedded } = await import('./embedded.ts')
  const embedded = await startEmbedded({ dataDir: config.DATA_DIR, log })
  const sql = connect(embedded.url)
  return {
    sql,
    lost: embedded.exited,
    close: async () => {
      await sql.end({ timeout: 2 })
      await embedded.stop()
    },
  }
}

/** The key that signs JWTs, made once and kept for this installation. */
async function generatedKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret-key')
  try {
    await writeFile(path, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return (await readFile(path, 'utf8')).trim()
}

function closeOnSignal(closing: (() => Promise<void>)[], log: Log): void {
  let signalled = false
  const close = async (signal: string) => {
    if (signalled) return
    signalled = true
    log.info('stopping', { signal })
    const late = setTimeout(() => {
      log.error('stopped before everything was closed')
      process.exit(1)
    }, DRAIN_MS)
    for (const step of closing) await step()
    clearTimeout(late)
    log.info('stopped')
    process.exit(0)
  }
  process.on('SIGTERM', () => void close('SIGTERM'))
  process.on('SIGINT', () => void close('SIGINT'))
}

/** One line that a person can act on; a stack only where the fault is ours. */
function startFailure(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (!(error instanceof Error)) return 'The start failed'
  const code = 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return 'The port is in use: stop the other program, or set PORT'
  return `The start failed: ${error.message}`
}
