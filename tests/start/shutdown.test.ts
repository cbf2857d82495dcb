import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { client, fcsToken, logIn, uploadHead } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, outcome, rawConnection, type Service, service, until } from '../kit/service.ts'

setDefaultTimeout(30_000)

const made = folders()
const project = join(import.meta.dir, '../..')
const sample = new Uint8Array(await Bun.file(join(project, 'data/sample.fcs')).arrayBuffer())
let database: Awaited<ReturnType<typeof createDatabase>>
let sql: postgres.Sql
beforeAll(async () => {
  database = await createDatabase()
  sql = postgres(database.url, { max: 2 })
})
afterAll(async () => {
  await sql.end()
  await database.drop()
  await made.remove()
})

/** The lock that migrations are applied under. */
const LOCK = 7_228_053_311

/** A service with an upload of the sample under way, of which half has been sent. */
async function uploading(username: string) {
  const folder = await made.create()
  const running = await service(folder, { DATABASE_URL: database.url })
  const call = client(running.url)
  const { id, token } = await fcsToken(call, await logIn(call, username))
  const upload = await rawConnection(running.url)
  upload.socket.write(uploadHead(token, sample.length))
  upload.socket.write(sample.subarray(0, sample.length / 2))
  const stored = () => readdir(join(folder, 'data/files'))
  await until(async () => (await stored()).length === 1)
  const audited = () => sql`
    select endpoint, status_code from audit_log where token_id = ${id} order by id`
  return { running, upload, stored, audited }
}

/** A connection that has had an answer and now waits, as a browser's do. */
async function keptAlive({ url }: Service) {
  const connection = await rawConnection(url)
  connection.socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(await connection.first).toStartWith('HTTP/1.1 200')
  return connection
}

test.concurrent('SIGTERM: an idle connection is closed, a new one refused, a slow upload answered and audited, exit 0', async () => {
  const { running, upload, stored, audited } = await uploading('patient')
  const idle = await keptAlive(running)
  running.signal('SIGTERM')
  await idle.closed
  const refused = await rawConnection(running.url).catch((error) => error.code)
  expect(refused).toBe('ECONNREFUSED')

  upload.socket.write(sample.subarray(sample.length / 2))
  expect(await upload.closed).toStartWith('HTTP/1.1 201')
  expect(await running.closed).toBe(0)
  expect((await stored()).filter((name) => name.endsWith('.part'))).toEqual([])
  expect([...(await audited())]).toEqual([{ endpoint: '/api/v1/fcs/upload', status_code: 201 }])
  expect(running.lines.at(-1)?.event).toBe('stopped')
})

test.concurrent('SIGTERM with a DRAIN_DELAY_SECONDS: it says that it is not ready while it serves on, and then stops', async () => {
  const database = await createDatabase()
  const sql = postgres(database.url, { max: 1 })
  const env = { DATABASE_URL: database.url, DRAIN_DELAY_SECONDS: '4' }
  const running = await service(await made.create(), env)
  const call = client(running.url)
  expect((await call('GET', '/ready')).status).toBe(200)
  running.signal('SIGTERM')
  await running.logged('stopping')
  const { status, body } = await call('GET', '/ready')
  expect([status, body]).toEqual([
    503,
    { success: false, error: 'Service Unavailable', message: 'The service is stopping' },
  ])
  const fresh = await rawConnection(running.url)
  fresh.socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(await fresh.first).toStartWith('HTTP/1.1 200')
  const { id, token } = await fcsToken(call, await logIn(call, 'late'))
  expect((await call('GET', '/api/v1/fcs/parameters', { bearer: token })).status).toBe(200)

  await fresh.closed
  expect(await running.closed).toBe(0)
  const rows = await sql`select status_code from audit_log where token_id = ${id}`
  expect([...rows]).toEqual([{ status_code: 200 }])
  expect(running.lines.map(({ event }) => event)).toEqual(['listening', 'stopping', 'stopped'])
  await sql.end()
  await database.drop()
})

test.concurrent('SIGTERM: a client that hangs holds nothing up for 10 seconds, and its upload leaves a row in the log and no bytes', async () => {
  const { running, upload, stored, audited } = await uploading('hanging')
  const started = performance.now()
  expect(await running.end()).toBe(0)
  expect(performance.now() - started).toBeLessThan(10_000)
  expect(await upload.closed).not.toContain('201')
  expect(await stored()).toEqual([])
  expect([...(await audited())]).toEqual([{ endpoint: '/api/v1/fcs/upload', status_code: 400 }])
})

test.concurrent('SIGTERM with AUDIT_REQUIRED=false: the rows that no answer has waited for are written before it ends', async () => {
  const database = await createDatabase()
  const sql = postgres(database.url, { max: 1 })
  const env = { DATABASE_URL: database.url, AUDIT_REQUIRED: 'false' }
  const running = await service(await made.create(), env)
  const call = client(running.url)
  const { id, token } = await fcsToken(call, await logIn(call, 'hasty'))
  const calls = Array.from({ length: 40 }, () =>
    call('GET', '/api/v1/fcs/parameters', { bearer: token }),
  )
  await Promise.all(calls)
  running.signal('SIGTERM')
  expect(await running.closed).toBe(0)
  const [rows] = await sql`select count(*)::int from audit_log where token_id = ${id}`
  expect(rows?.count).toBe(40)
  await sql.end()
  await database.drop()
})

test.concurrent('SIGINT stops it in the same way, and a second signal changes nothing', async () => {
  const database = await createDatabase()
  const running = await service(await made.create(), { DATABASE_URL: database.url })
  running.signal('SIGINT')
  running.signal('SIGINT')
  expect(await running.closed).toBe(0)
  expect(running.lines.map(({ event }) => event)).toEqual(['listening', 'stopping', 'stopped'])
  await database.drop()
})

/** As bash before 5.1, which macOS has: a command that stands alone takes its place, and one of a list does not. */
const OLD_BASH = `#!/bin/sh
case "$2" in *'&&'*) ;; *) exec sh -c "exec $2" ;; esac
sh -c "$2"
`

test.concurrent.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to `bun run start` stops the service, in an old shell too',
  async (signal) => {
    const { scripts } = await Bun.file(join(project, 'package.json')).json()
    const folder = await made.create()
    // Without what is installed before: that changes the packages under the tests.
    await writeFile(
      join(folder, 'package.json'),
      JSON.stringify({ scripts: { start: scripts.start } }),
    )
    await symlink(join(project, 'src'), join(folder, 'src'))
    await mkdir(join(folder, 'bin'))
    await writeFile(join(folder, 'bin/bash'), OLD_BASH, { mode: 0o755 })
    const running = await service(
      folder,
      { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, DATABASE_URL: database.url },
      [process.execPath, 'run', 'start'],
    )
    running.signal(signal)
    expect(await running.closed).toBe(0)
    expect(running.lines.at(-1)?.event).toBe('stopped')
  },
)

test.concurrent('a start that waits for a migration elsewhere can be stopped, and has changed nothing', async () => {
  const database = await createDatabase()
  const sql = postgres(database.url, { max: 1 })
  const waiting = async () => {
    const [found] = await sql`
      select count(*)::int from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`
    return found?.count === 1
  }
  await sql`drop table migrations`
  await sql`select pg_advisory_lock(${LOCK})`
  const { code, stdout, stderr } = await outcome(
    await made.create(),
    { DATABASE_URL: database.url },
    async (signal) => {
      await until(waiting)
      signal('SIGTERM')
    },
  )
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
  const [table] = await sql`select to_regclass('migrations') as name`
  expect(table?.name).toBeNull()
  await sql.end()
  await database.drop()
})

test.concurrent('the embedded database ends with the program', async () => {
  const running = await service(await made.create(), {})
  const { port } = await running.logged('embedded database started')
  const postgresUrl = `tcp://127.0.0.1:${port}`
  ;(await rawConnection(postgresUrl)).socket.destroy()
  expect(await running.end()).toBe(0)
  const refused = await rawConnection(postgresUrl).catch((error) => error.code)
  expect(refused).toBe('ECONNREFUSED')
})

test.concurrent('when the embedded database dies the program says so and exits with 1', async () => {
  const running = await service(await made.create(), {})
  const { folder } = await running.logged('embedded database started')
  const pidFile = Bun.file(join(String(folder), 'cluster/postmaster.pid'))
  process.kill(Number.parseInt(await pidFile.text(), 10), 'SIGKILL')
  expect(await running.closed).toBe(1)
  const { level, how } = await running.logged('embedded database ended')
  expect({ level, how }).toEqual({ level: 'error', how: 'signal SIGKILL' })
})
