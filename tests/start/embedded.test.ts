import { afterAll, expect, test } from 'bun:test'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLog } from '../../src/log.ts'
import { dataFolders, root, start, withSql } from './embedded-kit.ts'

const folders = dataFolders()
const shared = await folders.create()
afterAll(folders.remove)

test('a cluster is made once: durable, UTF-8, in UTC, and its rows are there after a restart', async () => {
  const first = await start(shared)
  const [settings] = await withSql(first.url, async (sql) => {
    await sql`create table kept as select 'æøå' as word`
    return sql`select current_setting('server_encoding') as encoding,
      current_setting('TimeZone') as zone, current_setting('fsync') as fsync,
      current_setting('listen_addresses') as addresses, upper('æøå') as upper`
  })
  expect(settings).toEqual({
    encoding: 'UTF8',
    zone: 'UTC',
    fsync: 'on',
    addresses: '127.0.0.1',
    upper: 'ÆØÅ',
  })
  await first.stop()
  const second = await start(shared)
  const rows = await withSql(second.url, (sql) => sql`select word from kept`)
  await second.stop()
  expect([...rows]).toEqual([{ word: 'æøå' }])
})

test('it asks for a password, which is in a file for its owner only and in no log line', async () => {
  const lines: string[] = []
  const { url, stop } = await start(
    shared,
    createLog('debug', (line) => lines.push(line)),
  )
  const refused = new URL(url)
  const { password } = refused
  refused.password = 'wrong'
  const outcome = await withSql(refused.href, (sql) => sql`select 1`).catch((error) => error.code)
  await stop()
  expect(outcome).toBe('28P01')
  const file = join(shared, 'postgres/password')
  expect((await readFile(file, 'utf8')).trim()).toBe(password)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(lines.join('')).toContain('password authentication failed')
  expect(lines.join('')).not.toContain(password)
})

test('rows of a failed statement stay out of the log', async () => {
  const lines: string[] = []
  const { url, stop } = await start(
    shared,
    createLog('debug', (line) => lines.push(line)),
  )
  await withSql(url, async (sql) => {
    await sql`create table once (secret text primary key)`
    await sql`insert into once values ('hush-1')`
    await sql`insert into once values ('hush-1')`.catch(() => undefined)
  })
  await stop()
  expect(lines.join('')).toContain('duplicate key value')
  expect(lines.join('')).not.toContain('hush-1')
})

test('a second holder is refused, and the first goes on', async () => {
  const first = await start(shared)
  const refusal = await start(shared).catch((error) => error.message)
  expect(refusal).toBe(
    `the embedded database in ${join(shared, 'postgres')} is in use by another process`,
  )
  expect(await withSql(first.url, async (sql) => (await sql`select 1 as one`)[0]?.one)).toBe(1)
  await first.stop()
})

test('of several that start at once in a new folder, one gets it', async () => {
  const dataDir = await folders.create()
  const outcomes = await Promise.allSettled([start(dataDir), start(dataDir), start(dataDir)])
  const started = outcomes.flatMap((outcome) =>
    outcome.status === 'fulfilled' ? [outcome.value] : [],
  )
  const refusals = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason.message] : [],
  )
  for (const embedded of started) await embedded.stop()
  expect(started).toHaveLength(1)
  for (const refusal of refusals) expect(refusal).toContain('in use by another process')
  expect(await readdir(dataDir)).toEqual(['postgres'])
})

test('a server that can not start says why', async () => {
  const dataDir = await folders.create()
  await (await start(dataDir)).stop()
  await writeFile(join(dataDir, 'postgres/cluster/postgresql.auto.conf'), 'no_such_setting = 1\n')
  const refusal = await start(dataDir).catch((error) => error.message)
  expect(refusal).toContain('PostgreSQL did not start')
  expect(refusal).toContain('no_such_setting')
  expect(refusal).not.toContain('\n')
})

if (!root)
  console.log('skipped, as it needs root: the database of a DATA_DIR in a home of mode 0700')

test.if(root)(
  'as root, a DATA_DIR of mode 0700 keeps its mode and gets a database elsewhere',
  async () => {
    const dataDir = await folders.create(0o700)
    const lines: string[] = []
    const first = await start(
      dataDir,
      createLog('info', (line) => lines.push(line)),
    )
    const place = (await readFile(join(dataDir, 'postgres.location'), 'utf8')).trim()
    folders.add(place)
    await withSql(first.url, (sql) => sql`create table kept as select 1 as one`)
    await first.stop()
    const second = await start(dataDir)
    expect(
      await withSql(second.url, async (sql) => (await sql`select one from kept`)[0]?.one),
    ).toBe(1)
    await second.stop()
    expect(place).toStartWith('/var/lib/pat-auth-system/')
    expect(lines.join('')).toContain(place)
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    expect(await readdir(dataDir)).toEqual(['postgres.location'])
  },
)
