// What the running service may do in its database, whoever the DATABASE_URL names.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import type { Sql } from 'postgres'
import type { Embedded } from '../../src/embedded.ts'
import { client, logIn } from '../kit/client.ts'
import { connectService, createDatabase } from '../kit/postgres.ts'
import { folders, outcome, type Service, service } from '../kit/service.ts'
import { dataFolders, start, withSql } from './embedded-kit.ts'

setDefaultTimeout(30_000)

/** A table that is new needs a line here, and where it is not to be read and written by row, one in service-role.ts. */
const EXPECTED: Record<string, string> = {
  audit_exports: 'select insert update',
  audit_log: 'select insert',
  ended_sessions: 'select insert update delete',
  fcs_files: 'select insert update delete',
  fcs_leftovers: 'select insert update delete',
  migrations: 'select',
  pat_instances: 'select insert update delete',
  sessions: 'select insert update delete',
  token_secrets: 'select insert update',
  token_uses: 'select insert update',
  tokens: 'select insert update',
  uploads: 'select insert update delete',
  users: 'select insert update',
  workspaces: 'select insert update delete',
}
const ALL = ['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']

const DENIED = '42501'
const code = (sql: Sql, statement: string) =>
  sql.unsafe(statement).then(
    () => 'done',
    (error) => error.code,
  )

// One name has to be quoted in SQL, and one has a schema of that name, which others may not use.
const MAKER = 'Ma.ker'
const OWNERS: Record<string, string> = { first: MAKER, second: MAKER, third: 'plain' }

// A cluster without the role, for it is made once and then there for every database.
const [made, data] = [folders(), dataFolders()]
let cluster: Embedded
let folder: string
beforeAll(async () => {
  folder = await made.create()
  cluster = await start(await data.create())
  await asAdmin(`
    create role "${MAKER}" login createrole password 'hush';
    create role plain login password 'hush'`)
  for (const [name, owner] of Object.entries(OWNERS)) {
    await asAdmin(`create database ${name} owner "${owner}"`)
  }
  await asAdmin('create schema authorization plain', 'third')
})
afterAll(async () => {
  await cluster.stop()
  await made.remove()
  await data.remove()
})

const urlOf = (database: string, login?: string) => {
  const url = new URL(`/${database}`, cluster.url)
  if (login) Object.assign(url, { username: login, password: 'hush' })
  return url.href
}
const asAdmin = (statement: string, database = 'postgres') =>
  withSql(urlOf(database), (sql) => sql.unsafe(statement))
const asOwner = (statement: string, database: string) =>
  withSql(urlOf(database, OWNERS[database]), (sql) => sql.unsafe(statement))
const run = (database: string, login: string) =>
  service(folder, { DATABASE_URL: urlOf(database, login) })
const warnings = ({ lines }: Service) => lines.filter(({ level }) => level === 'warn')

/** Who the service is to its database, by a row that it writes. */
async function writerIn(database: string, { url }: Service): Promise<string> {
  await asOwner(
    'alter table users add column if not exists writer name default current_user',
    database,
  )
  await logIn(client(url), `person-${crypto.randomUUID().slice(0, 8)}`)
  const rows = await asOwner('select writer from users order by created_at desc limit 1', database)
  return rows[0]?.writer
}

test('security 30: the role of the service reads and adds audit rows, and can neither change nor remove them', async () => {
  const { url, drop } = await createDatabase()
  const { sql } = connectService(url)
  const refused = [
    'update audit_log set authorized = true',
    'delete from audit_log',
    'truncate audit_log',
    'drop table audit_log',
    'alter table audit_log disable trigger all',
    'select from audit_log_default',
    'delete from audit_log_default',
    "select setval('audit_log_id_seq', 1)",
    "select audit_log_add_month('2020-01-01')",
    'delete from token_uses',
    'drop table users',
    'delete from tokens',
    'delete from audit_exports',
    'select audit_log_kept_since(30)',
    'delete from migrations',
    'create table mine ()',
    'select from pg_authid',
    "select pg_read_file('/etc/passwd')",
    'create table public_jobs.mine ()',
    'truncate public_jobs.job',
    'drop table public_jobs.job',
    'select public_jobs.create_queue(\'mine\', \'{"policy": "standard", "partition": true}\')',
  ]
  for (const statement of refused) {
    expect([statement, await code(sql, statement)]).toEqual([statement, DENIED])
  }
  const row = `insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
    values (gen_random_uuid(), now(), 'GET', '/', 200, true)`
  for (const statement of [row, 'select from audit_log', 'select audit_log_make_partitions()']) {
    expect([statement, await code(sql, statement)]).toEqual([statement, 'done'])
  }
  await sql.end()
  await drop()
})

test('what the role may do with each table is decided, and no table is forgotten', async () => {
  const { url, drop } = await createDatabase()
  const held = await withSql(
    url,
    (sql) => sql<{ name: string; may: string }[]>`
      select relname as name, string_agg(privilege, ' ' order by place)
        filter (where has_table_privilege('pat_auth_service', oid, privilege)) as may
      from pg_class, unnest(${ALL}::text[]) with ordinality as p (privilege, place)
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      group by relname`,
  )
  expect(Object.fromEntries(held.map(({ name, may }) => [name, may]))).toEqual(EXPECTED)
  await drop()
})

test('an owner that may make roles makes it, also for two databases at once, and the service acts in it', async () => {
  const both = await Promise.all([run('first', MAKER), run('second', MAKER)])
  expect(both.flatMap(warnings)).toEqual([])
  expect(await writerIn('first', both[0])).toBe('pat_auth_service')
  expect(await writerIn('second', both[1])).toBe('pat_auth_service')
  await Promise.all(both.map(({ end }) => end()))
})

test('an owner that may not is told what to run, acts as itself, and after that in the role', async () => {
  const before = await run('third', 'plain')
  const [warning, ...others] = warnings(before)
  expect(others).toEqual([])
  expect(warning?.event).toStartWith('the service acts as the owner of its tables')
  expect(await writerIn('third', before)).toBe('plain')
  await before.end()

  for (const statement of String(warning?.sql).split('; ')) {
    await asAdmin(statement).catch((error) => expect(error.message).toEndWith('already exists'))
  }
  await asOwner('grant delete on users to pat_auth_service', 'third')
  const after = await run('third', 'plain')
  expect(warnings(after)).toEqual([])
  expect(await writerIn('third', after)).toBe('pat_auth_service')
  const may = "select has_table_privilege('pat_auth_service', 'users', 'delete') as remove"
  expect((await asOwner(may, 'third'))[0]?.remove).toBe(false)
  await after.end()
})

test('a login that has only the rights of the role runs, and is refused in one line when migrations are pending', async () => {
  await asAdmin("create role clerk login password 'hush' in role pat_auth_service")
  const running = await run('first', 'clerk')
  expect(warnings(running)).toEqual([])
  expect(await writerIn('first', running)).toBe('pat_auth_service')
  await running.end()

  await asOwner("delete from migrations where name = '008-access-notices.ts'", 'first')
  const refused = await outcome(folder, { DATABASE_URL: urlOf('first', 'clerk') })
  expect([refused.code, refused.stdout]).toEqual([1, ''])
  expect(refused.stderr).toBe(
    'The start failed: "clerk" may not apply the migrations that are pending (008-access-notices.ts): start once with the DATABASE_URL of the owner of the tables\n',
  )
})
