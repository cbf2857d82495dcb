import { afterAll, beforeAll, expect, test } from 'bun:test'
import postgres, { type Sql } from 'postgres'
import { pendingMigrations } from '../src/migrate.ts'
import { startProxy, type TcpProxy } from './http/proxy.ts'
import { type Call, type TestApp, type Token, testApp, type User } from './kit/app.ts'
import { connectService, createDatabase, testServer } from './kit/postgres.ts'

let app: TestApp
let sql: Sql
let admin: Sql
let proxy: TcpProxy
let database: Awaited<ReturnType<typeof createDatabase>>
let user: User
let token: Token

beforeAll(async () => {
  database = await createDatabase()
  const url = new URL(database.url)
  proxy = await startProxy({ hostname: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  sql = connectService(url.href).sql
  admin = postgres((await testServer()).url, { max: 1 })
  app = await testApp({ sql, pendingMigrations: () => pendingMigrations(sql) })
  user = await app.user()
  token = await app.token(user, ['workspaces:admin'])
})
afterAll(async () => {
  await app.close()
  await sql.end({ timeout: 1 })
  await admin.end()
  await database.drop()
  proxy.stop()
})

const name = () => new URL(database.url).pathname.slice(1)

const terminate = () => admin`
  select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${name()}`

/** Returns when the app's side of every connection that was open has closed: two turns of a socket after the proxy's. */
async function endingAll(end: () => Promise<unknown>) {
  const ended = proxy.ended()
  await end()
  await ended
  for (let turn = 0; turn < 2; turn++) await admin`select 1`
}

const OUTAGES: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
  ['refuses connections', () => proxy.refuse(), () => proxy.accept()],
  ['is behind a proxy that hangs up', () => proxy.hangUp(), () => proxy.forward()],
  [
    'admits nobody',
    async () => {
      await admin`alter database ${admin(name())} allow_connections false`
      await terminate()
    },
    () => admin`alter database ${admin(name())} allow_connections true`,
  ],
]

const calls = (): [string, string, Call][] => [
  ['POST', '/api/v1/auth/login', { json: { username: user.username, password: user.password } }],
  ['GET', '/api/v1/tokens', { bearer: user.jwt }],
  ['GET', '/api/v1/workspaces', { bearer: token.token }],
  ['POST', '/api/v1/workspaces', { bearer: token.token, json: { name: 'one' } }],
]

/** Every call succeeds; before that each connection of the pool may report once how it ended. */
async function expectRecovery() {
  let reports = 16
  for (const call of calls()) {
    let { status } = await app.call(...call)
    while (status === 503 && reports-- > 0) ({ status } = await app.call(...call))
    expect(status).toBeOneOf([200, 201])
  }
}

test.each(OUTAGES)(
  'security 29: while the database %s the service answers 503, and recovers without a restart',
  async (_, breakIt, mendIt) => {
    await endingAll(breakIt)
    // More at once than the pool has connections: each of them learns it, and none waits for ever.
    const answers = await Promise.all(
      Array.from({ length: 6 }, calls)
        .flat()
        .map((call) => app.call(...call)),
    )
    for (const { status, headers, body } of answers) {
      expect([status, headers.get('retry-after')]).toEqual([503, '1'])
      expect(body).toEqual({
        success: false,
        error: 'Service Unavailable',
        message: expect.any(String),
      })
    }
    const ready = await app.call('GET', '/ready')
    expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '1'])
    expect(ready.body.data).toEqual({ missing: ['database'] })
    const health = await app.call('GET', '/health', { bearer: token.token })
    expect([health.status, health.text]).toEqual([200, '{"status":"ok"}'])

    await mendIt()
    await expectRecovery()
  },
  30_000,
)

test('connections that the database has ended are replaced', async () => {
  await Promise.all(Array.from({ length: 20 }, () => app.call('GET', '/ready')))
  await endingAll(terminate)
  await expectRecovery()
}, 30_000)

test('while the database hangs without closing a connection, credentials that it must be asked about are a 503', async () => {
  const unread = await app.token(user, ['workspaces:read'])
  proxy.stall()
  const answers = await Promise.all([
    app.call('GET', '/api/v1/workspaces', { bearer: unread.token }),
    app.call('GET', '/api/v1/tokens', { bearer: user.jwt }),
  ])
  for (const { status, headers } of answers) {
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
  }
  proxy.goOn()
  await expectRecovery()
}, 30_000)
