// The example of docs/operations.md, in the PgBouncer of Debian's package.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { type ChildProcess, spawn } from 'node:child_process'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { client, logIn } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, outcome, service, until } from '../kit/service.ts'
import { withSql } from './embedded-kit.ts'

setDefaultTimeout(30_000)

const pgbouncer = Bun.which('pgbouncer', { PATH: `${process.env.PATH}:/usr/sbin` })
const why = pgbouncer ? '' : ' (skipped: PgBouncer is not installed)'
const pooled = test.skipIf(!pgbouncer)

const docs = await Bun.file(join(import.meta.dir, '../../docs/operations.md')).text()
const example = /```ini\n([\s\S]+?)```/.exec(docs)?.[1] ?? ''

const made = folders()
const poolers: ChildProcess[] = []
let database: Awaited<ReturnType<typeof createDatabase>>
beforeAll(async () => {
  database = await createDatabase()
  await withSql(database.url, (sql) =>
    sql.unsafe(`
      create role pooled login password 'hush' in role pat_auth_service;
      alter role pooled set statement_timeout = '30s'`),
  )
})
afterAll(async () => {
  for (const pooler of poolers) {
    const gone = new Promise((resolve) => pooler.once('close', resolve))
    pooler.kill()
    await gone
  }
  await withSql(database.url, (sql) => sql.unsafe('drop role pooled'))
  await database.drop()
  await made.remove()
})

/** A PgBouncer as the example has it, but for `changes`; the DATABASE_URL of a login behind it. */
async function pool(changes: Record<string, string> = {}) {
  const folder = await made.create()
  const [port, server] = [await freePort(), new URL(database.url)]
  const settings: Record<string, string> = {
    listen_port: String(port),
    auth_file: `${folder}/userlist.txt`,
    pat_auth: `host=${server.hostname} port=${server.port} dbname=${server.pathname.slice(1)}`,
    ...changes,
  }
  const lines = example
    .split('\n')
    .map((line) => line.replace(/^(\w+) = .*/, (whole, name) => setting(name, settings) ?? whole))
  const logins = { pooled: 'hush', [server.username]: decodeURIComponent(server.password) }
  await Bun.write(
    `${folder}/userlist.txt`,
    Object.entries(logins).map(([name, password]) => `"${name}" "${password}"\n`),
  )
  await Bun.write(`${folder}/pgbouncer.ini`, [...lines, 'unix_socket_dir =', ''].join('\n'))
  // It does not run as root.
  const account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const options = { stdio: 'ignore', ...account } as const
  poolers.push(spawn(pgbouncer ?? '', [`${folder}/pgbouncer.ini`], options))
  await until(() => answers(port))
  return (login: string, password: string) =>
    `postgresql://${login}:${encodeURIComponent(password)}@127.0.0.1:${port}/pat_auth`
}

const setting = (name: string, settings: Record<string, string>) =>
  settings[name] === undefined ? undefined : `${name} = ${settings[name]}`

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

pooled(
  `two instances behind it in session mode hear each other, in the role of the service${why}`,
  async () => {
    const DATABASE_URL = (await pool())('pooled', 'hush')
    const start = async () => service(await made.create(), { DATABASE_URL })
    const [one, other] = [await start(), await start()]
    const call = client(one.url)
    const jwt = await logIn(call, `person-${crypto.randomUUID().slice(0, 8)}`)
    const token = await call('POST', '/api/v1/tokens', {
      bearer: jwt,
      json: { name: 'pooled', scopes: ['users:read'] },
    })
    const use = async ({ url }: { url: string }) => {
      const { token: bearer } = token.body.data
      return (await client(url)('GET', '/api/v1/users/me', { bearer })).status
    }
    expect([await use(one), await use(other)]).toEqual([200, 200])
    const revoked = await call('DELETE', `/api/v1/tokens/${token.body.data.id}`, { bearer: jwt })
    expect(revoked.body.data.effective_on).toEqual({ confirmed: 2, fenced: 0 })
    expect([await use(one), await use(other)]).toEqual([401, 401])
    expect([...one.lines, ...other.lines].filter(({ level }) => level !== 'info')).toEqual([])
    await Promise.all([one.end(), other.end()])
  },
)

pooled(`who owns the tables is told that the pooler drops the role${why}`, async () => {
  const { username, password } = new URL(database.url)
  const DATABASE_URL = (await pool())(username, decodeURIComponent(password))
  const owner = await service(await made.create(), { DATABASE_URL })
  expect(owner.lines.filter(({ level }) => level === 'warn')).toMatchObject([
    { event: 'the service acts as the owner of its tables: a pooler drops the parameter role' },
  ])
  await owner.end()
})

pooled.each(['transaction', 'statement'])(`in %s mode the start is refused${why}`, async (mode) => {
  const DATABASE_URL = (await pool({ pool_mode: mode }))('pooled', 'hush')
  const { code, stdout, stderr } = await outcome(await made.create(), { DATABASE_URL })
  expect([code, stdout, stderr]).toEqual([
    1,
    '',
    'DATABASE_URL is not usable: a pooler there shares sessions between clients; it takes one in session mode, or the database itself\n',
  ])
})

pooled(
  `without the parameters among those that it ignores, the refusal names the first${why}`,
  async () => {
    const DATABASE_URL = (await pool({ ignore_startup_parameters: 'extra_float_digits' }))(
      'pooled',
      'hush',
    )
    const { code, stderr } = await outcome(await made.create(), { DATABASE_URL })
    expect([code, stderr]).toEqual([
      1,
      'The database is not usable: unsupported startup parameter: statement_timeout\n',
    ])
  },
)
