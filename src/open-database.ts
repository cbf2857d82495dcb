import { type Config, ConfigError } from './config.ts'
import { connect, hasOwnSessions, type Pools } from './db.ts'
import type { Log } from './log.ts'
import { migrate } from './migrate.ts'

export type Database = Pools & {
  close(): Promise<void>
  /** Resolves when a database of our own has ended by itself. */
  lost: Promise<void>
}

/** The database that the settings name, or else one of our own; migrated, and with the rights of the service. */
export async function openDatabase(config: Config, log: Log): Promise<Database> {
  if (config.DATABASE_URL) {
    const pools = await openService(config.DATABASE_URL, log)
    return { ...pools, close: () => end(pools), lost: new Promise(() => {}) }
  }
  // Loaded only here: an installation with a database of its own need not carry PostgreSQL.
  const { startEmbedded } = await import('./embedded.ts')
  const embedded = await startEmbedded({ dataDir: config.DATA_DIR, log })
  const pools = await openService(embedded.url, log).catch(async (error) => {
    await embedded.stop()
    throw error
  })
  return {
    ...pools,
    lost: embedded.exited,
    close: async () => {
      await end(pools)
      await embedded.stop()
    },
  }
}

const SHARED_SESSIONS =
  'DATABASE_URL is not usable: a pooler there shares sessions between clients; it takes one in session mode, or the database itself'

async function end({ sql, auditSql }: Pools): Promise<void> {
  await Promise.all([sql, auditSql].map((pool) => pool.end({ timeout: 2 })))
}

/** Migrates as the user of the URL, and opens the pools of the service, which as a rule may do less. */
async function openService(url: string, log: Log): Promise<Pools> {
  const { sql: owner } = connect(url)
  try {
    if (!(await hasOwnSessions(owner))) throw new ConfigError(SHARED_SESSIONS)
    return connect(url, await migrate({ sql: owner, log }))
  } finally {
    await owner.end({ timeout: 2 })
  }
}
