// The service as it is started, with an account, tokens and a full log, on a PostgreSQL of its own.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sql } from 'postgres'
import { connect } from '../src/db.ts'
import { startEmbedded } from '../src/embedded.ts'
import { client } from '../tests/kit/client.ts'
import { BUN, service } from '../tests/kit/service.ts'

const LOG_ROWS = 1_000_000
const LOG_TOKENS = 1000
const SCOPES = ['workspaces:read', 'users:read', 'fcs:analyze']

type Started = { url: string; pid: number }
export type Bench = Awaited<ReturnType<typeof startBench>>

/**
 * `durable` and `undurable` are two instances on one database, the second with AUDIT_REQUIRED=false; `bare` is Elysia
 * alone, and the floors are Bun's server alone with a row of the log for each call. None has a rate limit: all load comes
 * from one address.
 */
export async function startBench() {
  const folder = await mkdtemp(join(tmpdir(), 'pat-auth-bench-'))
  await chmod(folder, 0o755)
  const quiet = { debug() {}, info() {}, warn: console.error, error: console.error }
  const database = await startEmbedded({ dataDir: join(folder, 'data'), log: quiet })
  const start = async (env: Record<string, string>, command?: string[]): Promise<Started> => {
    const { url, pid } = await service(folder, env, command)
    if (pid === undefined) throw new Error('a process without an id')
    return { url, pid }
  }
  const env = {
    DATABASE_URL: database.url,
    RATE_LIMIT_PER_MINUTE: '0',
    TOKEN_RATE_LIMIT_PER_MINUTE: '0',
  }
  const durable = await start(env)
  const undurable = await start({ ...env, AUDIT_REQUIRED: 'false' })
  const beside = (file: string) => [BUN[0] ?? 'bun', join(import.meta.dir, file)]
  const bare = await start({}, beside('http-bare.ts'))
  const floor = await start(env, beside('http-floor.ts'))
  const undurableFloor = await start({ ...env, AUDIT_REQUIRED: 'false' }, beside('http-floor.ts'))
  const { sql } = connect(database.url)
  return {
    durable,
    undurable,
    bare,
    floor,
    undurableFloor,
    ...(await fill(durable.url, sql)),
    async close() {
      for (const { pid } of [durable, undurable, bare, floor, undurableFloor]) process.kill(pid)
      await sql.end()
      await database.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What the requests need, made over HTTP but for what time alone brings: an expired token and a long log. */
async function fill(url: string, sql: Sql) {
  const call = client(url)
  const account = { username: 'bench', email: 'bench@example.org', password: 'a long sentence' }
  const login = { username: account.username, password: account.password }
  await call('POST', '/api/v1/auth/register', { json: account })
  const session = (await call('POST', '/api/v1/auth/login', { json: login })).body.data
  const issue = async (name: string, scopes = SCOPES): Promise<{ id: string; token: string }> => {
    const json = { name, scopes }
    return (await call('POST', '/api/v1/tokens', { bearer: session.access_token, json })).body.data
  }
  const live = await issue('bench')
  const writer = await issue('writer', ['workspaces:write'])
  for (const name of ['first', 'second', 'third']) {
    await call('POST', '/api/v1/workspaces', { bearer: writer.token, json: { name } })
  }
  const expired = await issue('expired')
  await sql`update token_secrets set expires_at = now() - interval '1 day' where token_id = ${expired.id}`
  const unknown = await issue('unknown')
  await sql`delete from token_secrets where token_id = ${unknown.id}`
  const logged = await issue('logged')
  // The token's share of the log, and the rest of it of tokens that nobody asks for.
  await sql`
    insert into audit_log (token_id, at, ip, method, endpoint, status_code, authorized)
    select case n % ${LOG_TOKENS}::int when 0 then ${logged.id}::uuid else md5((n % ${LOG_TOKENS}::int)::text)::uuid end,
      now(), '192.0.2.1', 'GET', '/api/v1/fcs/parameters', 200, true
    from generate_series(1, ${LOG_ROWS}::int) as n`
  await sql`analyze`
  return {
    jwt: String(session.access_token),
    token: live.token,
    expired: expired.token,
    unknown: unknown.token,
    mistyped: live.token.slice(0, -1) + (live.token.endsWith('0') ? '1' : '0'),
    loggedId: logged.id,
  }
}
