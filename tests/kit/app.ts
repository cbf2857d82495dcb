import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { type AppOptions, createApp } from '../../src/app.ts'
import { createPasswords } from '../../src/auth/password.ts'
import { createCounts } from '../../src/counts.ts'
import { loadSample } from '../../src/files/sample.ts'
import { memoryLimits } from '../../src/limits.ts'
import { createLog } from '../../src/log.ts'
import { pendingMigrations } from '../../src/migrate.ts'
import type { Scope } from '../../src/scopes.ts'
import { localStorage } from '../../src/storage/local.ts'
import { localParts } from '../../src/uploads/parts.ts'
import { createQueue } from '../../src/uploads/queue.ts'
import { connectService, createDatabase } from './postgres.ts'

export const SECRET_KEY = 'a test key of more than thirty-two bytes'
const sample = loadSample()

export type Call = {
  /** The token of an Authorization header. */
  bearer?: string
  json?: unknown
  body?: string | Uint8Array<ArrayBuffer> | FormData | ReadableStream
  headers?: Record<string, string>
  /** The address of the socket's other end; null when it is unknown. */
  from?: string | null
}

export type Answer = {
  status: number
  headers: Headers
  text: string
  /** The JSON body; reading it of another body throws. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it reads, whatever it is.
  body: any
}

export type User = { id: string; username: string; password: string; jwt: string }
export type Token = { id: string; token: string }

export type TestApp = Awaited<ReturnType<typeof testApp>>

/** The whole app on a database and a folder of its own, without a rate limit unless the test sets one. */
export async function testApp(options: Partial<AppOptions> = {}) {
  const database = await createDatabase()
  const sql = postgres(database.url, { max: 4, onnotice: () => undefined })
  const { sql: pool, auditSql } = connectService(database.url)
  const folder = await mkdtemp(join(tmpdir(), 'pat-auth-app-'))
  const lines: string[] = []
  const parts = await mkdtemp(join(tmpdir(), 'pat-auth-parts-'))
  const peers = new WeakMap<Request, string | null>()
  const log = createLog('debug', (line) => lines.push(line))
  const app = createApp({
    sql: pool,
    auditSql: options.sql ?? auditSql,
    log,
    counts: createCounts(log),
    storage: await localStorage(folder),
    parts: await localParts(parts),
    queue: await createQueue(pool, log),
    sample: await sample,
    secretKeys: [SECRET_KEY],
    accessTokenMinutes: 30,
    passwords: createPasswords(),
    limits: memoryLimits(),
    rateLimitPerMinute: 0,
    tokenRateLimitPerMinute: 0,
    trustedProxies: [],
    corsOrigins: [],
    maxUploadBytes: 64 * 1024 * 1024,
    maxStorageBytesPerUser: 0,
    auditRequired: true,
    introspectionClient: null,
    peer: (request) => peers.get(request) ?? null,
    pendingMigrations: () => pendingMigrations(pool),
    stopping: () => false,
    ...options,
  }).compile()

  const request = (method: string, path: string, call: Call = {}): Request => {
    const headers = new Headers(call.headers)
    if (call.bearer !== undefined) headers.set('authorization', `Bearer ${call.bearer}`)
    if (call.json !== undefined) headers.set('content-type', 'application/json')
    const body = call.json === undefined ? call.body : JSON.stringify(call.json)
    const made = new Request(`http://test.local${path}`, { method, headers, body: body ?? null })
    peers.set(made, call.from === undefined ? '127.0.0.1' : call.from)
    return made
  }

  const send = async (made: Request): Promise<Answer> => {
    const response = await app.handle(made)
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      get body() {
        return JSON.parse(text)
      },
    }
  }
  const call = (method: string, path: string, options: Call = {}) =>
    send(request(method, path, options))

  let people = 0
  return {
    app,
    /** The test's own connections, as the owner of the tables. */
    sql,
    /** The app's connections, as the service's role. */
    pool,
    /** Where uploaded files are kept. */
    folder,
    /** Where uploads in pieces are kept. */
    parts,
    /** What the app has logged. */
    lines,
    /** A request as `call` sends it, for tests that hand it over themselves. */
    request,
    call,

    /** A registered and logged-in user. */
    async user(): Promise<User> {
      const username = `person-${++people}`
      const password = `a long password ${crypto.randomUUID()}`
      const email = `${username}@example.org`
      const registered = await call('POST', '/api/v1/auth/register', {
        json: { username, email, password },
      })
      const login = await call('POST', '/api/v1/auth/login', { json: { username, password } })
      return { id: registered.body.data.id, username, password, jwt: login.body.data.access_token }
    },

    /** A token of the user, with these scopes. */
    async token(user: User, scopes: Scope[], more: Record<string, unknown> = {}): Promise<Token> {
      const json = { name: 'a token', scopes, ...more }
      const created = await call('POST', '/api/v1/tokens', { bearer: user.jwt, json })
      if (created.status !== 201) throw new Error(`no token: ${created.text}`)
      return { id: created.body.data.id, token: created.body.data.token }
    },

    /** The audit rows of a token, oldest first, straight from the table. */
    auditOf: (tokenId: string) => sql<
      {
        method: string
        endpoint: string
        status_code: number
        authorized: boolean
        reason: string | null
        ip: string | null
      }[]
    >`
      select method, endpoint, status_code, authorized, reason, host(ip) as ip from audit_log
      where token_id = ${tokenId} order by id`,

    /** Resolves when what was changed by SQL is known to every instance. */
    settled: () => app.decorator.pat.settled(),

    async close() {
      await app.decorator.finishing.stop()
      await app.decorator.pat.close()
      await Promise.all([pool, auditSql].map((connections) => connections.end({ timeout: 5 })))
      await sql.end({ timeout: 5 })
      await database.drop()
      await Promise.all([folder, parts].map((folder) => rm(folder, { recursive: true })))
    },
  }
}
