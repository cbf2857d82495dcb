import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { createLog } from '../../src/log.ts'
import { migrate, migrationsDir, pendingMigrations } from '../../src/migrate.ts'
import { createDatabase, testServer } from '../kit/postgres.ts'

const silent = createLog('error', () => undefined)
const folders: string[] = []
const clients: postgres.Sql[] = []

afterAll(async () => {
  await Promise.all(clients.map((sql) => sql.end()))
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })))
})

function connect(url: string, settings: Record<string, number> = {}): postgres.Sql {
  const sql = postgres(url, { max: 2, connection: settings })
  clients.push(sql)
  return sql
}

let databases = 0

/** A database without any table. */
async function emptyDatabase(): Promise<string> {
  const { url } = await testServer()
  const name = `empty_${++databases}`
  await connect(url).unsafe(`create database ${name}`)
  return new URL(`/${name}`, url).href
}

/** A folder of migrations; each runs the SQL given for its name. */
async function folderOf(migrations: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pat-migrations-'))
  folders.push(folder)
  for (const [name, statement] of Object.entries(migrations)) {
    const source = `export const up = (sql) => sql.unsafe(${JSON.stringify(statement)})\n`
    await writeFile(join(folder, name), source)
  }
  return folder
}

const count = async (sql: postgres.Sql, table: string) =>
  Number((await sql`select count(*) from ${sql(table)}`)[0]?.count)

test('ten instances that start at once all come up, and each migration runs once', async () => {
  const dir = await folderOf({
    '001-runs.ts': 'create table runs (name text)',
    '002-slow.ts': "insert into runs select 'slow' from pg_sleep(0.2)",
    '010-last.ts': "insert into runs values ('last')",
  })
  const url = await emptyDatabase()
  const lines: string[] = []
  const log = createLog('info', (line) => lines.push(line))
  // The longest a query may take elsewhere is not the longest that a migration may.
  const instance = () => connect(url, { statement_timeout: 100 })
  await Promise.all(Array.from({ length: 10 }, () => migrate({ sql: instance(), log, dir })))
  expect([...(await connect(url)`select name from runs`)]).toEqual([
    { name: 'slow' },
    { name: 'last' },
  ])
  expect(lines).toHaveLength(3)
})

test('a migration that fails leaves nothing behind, is named, and lets the next start try', async () => {
  const good = { '001-first.ts': 'create table first_one ()' }
  const broken = await folderOf({ ...good, '002-broken.ts': 'create table second_one (oops oops)' })
  const mended = await folderOf({ ...good, '002-broken.ts': 'create table second_one ()' })
  const sql = connect(await emptyDatabase())
  const refusal = await migrate({ sql, log: silent, dir: broken }).catch((error) => error.message)
  expect(refusal).toBe('migration 002-broken.ts failed: type "oops" does not exist')
  const [left] = await sql`select to_regclass('first_one') as a, to_regclass('migrations') as b`
  expect(left).toEqual({ a: null, b: null })
  await migrate({ sql, log: silent, dir: mended })
  expect(await count(sql, 'second_one')).toBe(0)
})

test('pending migrations are those that the database has not seen, in order', async () => {
  const one = { '001-first.ts': 'create table first_one ()' }
  const all = { ...one, '002-second.ts': 'select 1', '003-third.ts': 'select 1', 'notes.md': '' }
  const [former, current] = [await folderOf(one), await folderOf(all)]
  const sql = connect(await emptyDatabase())
  expect(await pendingMigrations(sql, current)).toEqual([
    '001-first.ts',
    '002-second.ts',
    '003-third.ts',
  ])
  await migrate({ sql, log: silent, dir: former })
  expect(await pendingMigrations(sql, current)).toEqual(['002-second.ts', '003-third.ts'])
  await migrate({ sql, log: silent, dir: current })
  expect(await pendingMigrations(sql, current)).toEqual([])
})

test('a file that sorts before an applied one is refused', async () => {
  const sql = connect(await emptyDatabase())
  await migrate({ sql, log: silent, dir: await folderOf({ '002-b.ts': 'select 1' }) })
  const late = await folderOf({ '001-a.ts': 'select 1', '002-b.ts': 'select 1' })
  const refusal = await migrate({ sql, log: silent, dir: late }).catch((error) => error.message)
  expect(refusal).toContain('001-a.ts')
})

test('a former program starts on a later schema, says so, and leaves the rights of the service as they are', async () => {
  const table = { '001-table.ts': 'create table notes ()' }
  const later = await folderOf({ ...table, '002-later.ts': 'alter table notes add text text' })
  const sql = connect(await emptyDatabase())
  await migrate({ sql, log: silent, dir: later })
  await sql`revoke insert on notes from pat_auth_service`
  const lines: string[] = []
  const log = createLog('info', (line) => lines.push(line))
  const session = await migrate({ sql, log, dir: await folderOf(table) })
  expect(session.role).toBe('pat_auth_service')
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    {
      level: 'warn',
      event: 'the schema is newer than this program',
      migrations: ['002-later.ts'],
    },
  ])
  const [may] = await sql`
    select has_table_privilege('pat_auth_service', 'notes', 'insert') as add,
      has_table_privilege('pat_auth_service', 'notes', 'select') as read`
  expect(may).toEqual({ add: false, read: true })
})

test('a test database has every migration of the project', async () => {
  const { url, drop } = await createDatabase()
  const sql = connect(url)
  expect(await pendingMigrations(sql)).toEqual([])
  expect(await count(sql, 'migrations')).toBe((await readdir(migrationsDir)).length)
  await sql.end()
  await drop()
})
