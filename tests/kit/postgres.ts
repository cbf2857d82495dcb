import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { connect } from '../../src/db.ts'
import { startEmbedded } from '../../src/embedded.ts'
import { createLog } from '../../src/log.ts'
import { migrate } from '../../src/migrate.ts'
import { SERVICE_ROLE } from '../../src/service-role.ts'

const log = createLog('warn')
const template = 'migrated_template'
let started: ReturnType<typeof start> | undefined
let databases = 0

async function start() {
  const dataDir = await mkdtemp(join(tmpdir(), 'pat-auth-test-'))
  // Where tests run as root, the server's own account has to reach it.
  await chmod(dataDir, 0o755)
  const embedded = await startEmbedded({ dataDir, log })
  const sql = postgres(embedded.url, { max: 4, onnotice: () => undefined })
  await sql`alter system set fsync = off`
  await sql`select pg_reload_conf()`
  await sql`create database ${sql(template)}`
  const migrated = postgres(withDatabase(embedded.url, template), {
    max: 1,
    onnotice: () => undefined,
  })
  await migrate({ sql: migrated, log })
  await migrated.end()
  return { dataDir, embedded, sql }
}

const server = () => (started ??= start())

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/** The PostgreSQL of this test run: one for all files, started by the first that asks. */
export async function testServer(): Promise<{ url: string }> {
  return { url: (await server()).embedded.url }
}

/** A database of its own with every migration applied. End your connections before `drop`. */
export async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const { embedded, sql } = await server()
  const name = `test_${++databases}`
  await sql`create database ${sql(name)} template ${sql(template)}`
  return {
    url: withDatabase(embedded.url, name),
    drop: async () => {
      await sql`drop database if exists ${sql(name)} with (force)`
    },
  }
}

/** Connections as the service has them, in its role. Those of a test that changes rows by hand are the owner's. */
export const connectService = (url: string) => connect(url, { role: SERVICE_ROLE })

/** For the preload's afterAll. */
export async function stopTestServer(): Promise<void> {
  if (!started) return
  const { dataDir, embedded, sql } = await started
  await sql.end()
  await embedded.stop()
  await rm(dataDir, { recursive: true })
}
