import type { Sql } from 'postgres'
import { type Config, ConfigError } from './config.ts'
import { connect, hasOwnSessions } from './db.ts'
import type { Log } from './log.ts'
import { migrate } from './migrate.ts'

export type Database = {
  sql: Sql
  close(): Promise<void>
  /** Resolves when a database of our own has ended by itself. */
  lost: Promise<void>
}

/** The database that the settings name, or else one of our own; migrated, and with the rights of the service. */
export async function openDatabase(config: Config, log: Log): Promise<Database> {
  if (config.DATABASE_URL) {
    const sql = await openService(config.DATABASE_URL, log)
    return { sql, close: () => sql.end({ timeout: 2 }), lost: new Promise(() => {}) }
  }
  // Loaded only here: an installation with a database of its own need not carry PostgreSQL.
  const { startEmbedded } = await import('./embedded.ts')
  const embedded = await startEmbedded({ dataDir: config.DATA_DIR, log })
  const sql = await openService(embedded.url, log).catch(async (error) => {
    await embedded.stop()
    throw error
  })
  return {
    sql,
    lost: embedded.exited,
    close: async () => {
      await sql.end({ timeout: 2 })
      await embedded.stop()
    },
  }
}

const SHARED_SESSIONS =
  'DATABASE_URL is not usable: a pooler there shares sessions between clients; it takes one in session mode, or the database itself'

/** Migrates as the user of the URL, and opens the pool of the service, which as a rule may do less. */
async function openService(url: string, log: Log): Promise<Sql> {
  const owner = connect(url)
  try {
    if (!(await hasOwnSessions(owner))) throw new ConfigError(SHARED_SESSIONS)
    return connect(url, await migrate({ sql: owner, log }))
  } finally {
    await owner.end({ timeout: 2 })
  }
}
