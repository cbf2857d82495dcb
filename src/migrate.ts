import { readdir } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Driver, up } from 'ley'
import type { ISql, Sql, TransactionSql } from 'postgres'
import type { Log } from './log.ts'
import { admitService, canTakeRole, SERVICE_ROLE } from './service-role.ts'

export const migrationsDir = fileURLToPath(new URL('../migrations/', import.meta.url))

/** PostgreSQL's SQLSTATE for a table that isn't there. */
const undefinedTable = '42P01'

/** Any number that nothing else in this database locks. */
const lockKey = 7_228_053_311

/** What a session of the service begins with: its role, where it can have it, and the schema of its tables. */
export type Session = { search_path: string; role?: string }

/**
 * Brings the database up to the files of `dir`: all that are pending in one transaction, or none; and gives the
 * service's role its rights. Instances that start together wait for each other, and each file runs once.
 * A user who is not the owner of the tables changes nothing. Throws an Error that names the file that failed, or those
 * that such a user can't apply. On the schema of a later release nothing is changed either, for what is new there, and
 * who may do what with it, is not known here.
 */
export async function migrate(options: { sql: Sql; log: Log; dir?: string }): Promise<Session> {
  const { sql, log, dir = migrationsDir } = options
  const { applied, later, session } = await sql.begin(async (tx) => {
    // The pool's limit is meant for requests; a migration, or the wait for another's, may be long.
    await tx`set local statement_timeout = 0`
    // Held until commit or rollback, and dropped by the server should this process die.
    await tx`select pg_advisory_xact_lock(${lockKey})`
    const user = await userOf(tx)
    const applied = user.owner ? await up({ cwd: dir, dir: '.', driver: driver(tx) }) : []
    if (!user.owner) await refusePending(tx, dir, user.name)
    const later = await laterMigrations(tx, dir)
    const admits = user.owner && later.length === 0
    const admitted = await (admits ? admitService(tx) : canTakeRole(tx))
    const session = { search_path: user.schema, ...(admitted && { role: SERVICE_ROLE }) }
    return { applied, later, session }
  })
  if (later.length > 0) log.warn('the schema is newer than this program', { migrations: later })
  for (const file of applied) log.info('migration applied', { file })
  return session
}

type User = { name: string; owner: boolean; schema: string }

/** Who asks, whether the tables belong to them or, where there are none, may be made by them; and in which schema. */
async function userOf(tx: TransactionSql): Promise<User> {
  const [user] = await tx<User[]>`
    select current_user as name, quote_ident(current_schema()) as schema, coalesce(
      (select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('migrations')),
      has_schema_privilege(current_schema(), 'create'), false) as owner`
  if (!user) throw new Error('no row')
  return user
}

async function refusePending(tx: TransactionSql, dir: string, name: string) {
  const pending = await pendingMigrations(tx, dir)
  if (pending.length === 0) return
  throw new Error(
    `"${name}" may not apply the migrations that are pending (${pending.join(', ')}): start once with the DATABASE_URL of the owner of the tables`,
  )
}

/** ley's own driver loads `postgres` in a way that fails on Bun. */
function driver(tx: TransactionSql): Driver {
  return {
    // ley's type lets the caller name the client's type; the functions below use `tx` itself.
    connect: <Client>() => tx as unknown as Client,
    setup: async () => {
      await tx`set local client_min_messages = warning`
      await tx`create table if not exists migrations (
        id serial primary key, name text not null unique, created_at timestamptz not null)`
      return tx<{ name: string }[]>`select name from migrations order by id`
    },
    loop: async (_, files) => {
      for (const { abs, name } of files) {
        try {
          const migration = await import(pathToFileURL(abs).href)
          await migration.up(tx)
        } catch (cause) {
          const reason = cause instanceof Error ? cause.message : String(cause)
          throw new Error(`migration ${name} failed: ${reason}`, { cause })
        }
        await tx`insert into migrations (name, created_at) values (${name}, now())`
      }
    },
    end: () => undefined,
  }
}

/** The files of `dir` that this database has not seen yet. */
export async function pendingMigrations(sql: ISql, dir = migrationsDir): Promise<string[]> {
  const [files, applied] = await Promise.all([filesOf(dir), appliedTo(sql)])
  return files.filter((file) => !applied.includes(file))
}

/** The migrations of a later release that this database has had. */
async function laterMigrations(sql: ISql, dir: string): Promise<string[]> {
  const [files, applied] = await Promise.all([filesOf(dir), appliedTo(sql)])
  return applied.filter((name) => !files.includes(name))
}

async function appliedTo(sql: ISql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`select name from migrations order by id`.catch(
    (error) => {
      if (error.code === undefinedTable) return []
      throw error
    },
  )
  return rows.map(({ name }) => name)
}

const folders = new Map<string, Promise<string[]>>()

/** In their order. The folder is read once. */
function filesOf(dir: string): Promise<string[]> {
  const listing = folders.get(dir) ?? list(dir)
  folders.set(dir, listing)
  return listing
}

const list = async (dir: string) =>
  (await readdir(dir)).filter((name) => name.endsWith('.ts')).sort()
