import { afterAll, beforeAll, expect, setSystemTime, test } from 'bun:test'
import fc from 'fast-check'
import postgres, { type Sql } from 'postgres'
import { isWithin, parseAddress, parseBlocks } from '../../src/plugins/address.ts'
import { createCache } from '../../src/plugins/pat/cache.ts'
import { type Known, standing } from '../../src/plugins/pat/known.ts'
import { newSecret } from '../../src/plugins/pat/secret.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { connectService, createDatabase, testServer } from '../kit/postgres.ts'
import { until } from '../kit/service.ts'
import { slowReads } from './slow-reads.ts'

const ME = '/api/v1/users/me'

let database: Awaited<ReturnType<typeof createDatabase>>
let sql: Sql
let pool: Sql
let slow: ReturnType<typeof slowReads>
let app: TestApp
let user: User

beforeAll(async () => {
  database = await createDatabase()
  sql = postgres(database.url, { max: 4, onnotice: () => undefined })
  pool = connectService(database.url).sql
  slow = slowReads(pool)
  app = await testApp({ sql: slow.pool })
  user = await app.user()
})
afterAll(async () => {
  await app.close()
  await pool.end()
  await sql.end()
  await database.drop()
})

const use = async (bearer: string, from = '127.0.0.1') => {
  const { status, body } = await app.call('GET', ME, { bearer, from })
  return [status, body.message]
}
/** How often tokens are read while `work` runs. */
async function reads(work: () => Promise<unknown>): Promise<number> {
  const before = slow.state.reads
  await work()
  return slow.state.reads - before
}
/** A token that is remembered. */
async function remembered(more: Record<string, unknown> = {}): Promise<Token> {
  const token = await app.token(user, ['users:read'], more)
  await until(async () => (await reads(() => use(token.token))) === 0)
  return token
}

const OPEN = [200, undefined]
const REVOKED = [401, 'Token revoked']

test('a token is read once, and its next uses ask nothing', async () => {
  const { token } = await remembered()
  expect(await reads(() => Promise.all(Array.from({ length: 50 }, () => use(token))))).toBe(0)
})

test('fifty who ask for an unread token at once share one read', async () => {
  await remembered()
  const { token } = await app.token(user, ['users:read'])
  expect(await reads(() => Promise.all(Array.from({ length: 50 }, () => use(token))))).toBe(1)
})

/** A token that is revoked while its first read is on the way to the app, and the call that waits for that read. */
async function overtaken() {
  await remembered()
  const { id, token } = await app.token(user, ['users:read'])
  slow.hold()
  const early = use(token)
  await until(async () => slow.held() > 0)
  expect((await app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt })).status).toBe(200)
  return { token, early }
}

test('what was read before a change and arrives after it is not kept', async () => {
  const { token, early } = await overtaken()
  slow.release()
  expect([await early, await use(token)]).toEqual([OPEN, REVOKED])
})

test('who comes after a change is not answered from a read from before it', async () => {
  const { token, early } = await overtaken()
  const late = use(token)
  slow.release()
  expect([await early, await late]).toEqual([OPEN, REVOKED])
})

test('what is read while nothing can be heard is forgotten when the first is heard', async () => {
  const [other, { id, token }] = [await remembered(), await app.token(user, ['users:read'])]
  const admin = postgres((await testServer()).url, { max: 1 })
  const name = new URL(database.url).pathname.slice(1)
  await admin`alter database ${admin(name)} allow_connections false`
  await admin`
    select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${name} and query like 'listen%'`
  await until(async () => (await reads(() => use(other.token))) === 1)
  expect(await use(token)).toEqual(OPEN)
  await pool`update tokens set revoked_at = now() where id = ${id}`
  await admin`alter database ${admin(name)} allow_connections true`
  await until(async () => (await reads(() => use(other.token))) === 0)
  expect(await use(token)).toEqual(REVOKED)
  await admin.end()
})

test('a clock that jumps, as one does when its machine has slept, ends the use of what is remembered', async () => {
  const { token } = await remembered()
  for (const hours of [1, -1]) {
    setSystemTime(Date.now() + hours * 3_600_000)
    expect(await reads(() => use(token))).toBe(1)
    setSystemTime()
    await until(async () => (await reads(() => use(token))) === 0)
  }
})

test('expired and revoked tokens are remembered too, and refused in the same order', async () => {
  const { id, token } = await remembered()
  await sql`update token_secrets set expires_at = now() - interval '1 day' where token_id = ${id}`
  await app.settled()
  expect(await use(token)).toEqual([401, 'Token expired'])
  expect(await reads(async () => expect((await use(token))[1]).toBe('Token expired'))).toBe(0)
  await app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  expect(await use(token)).toEqual(REVOKED)
  expect(await reads(async () => expect(await use(token)).toEqual(REVOKED))).toBe(0)
})

test('an unknown token is looked for once, however often it comes', async () => {
  const stranger = newSecret()
  const often = () => Promise.all(Array.from({ length: 50 }, () => use(stranger)))
  expect(await use(stranger)).toEqual([401, 'Invalid token'])
  expect(await reads(often)).toBe(0)
})

test.each([
  ['tokens', 'revoked_at = now()', REVOKED],
  ['tokens', "allowed_ips = '{192.0.2.1}'", [403, 'IP address not allowed']],
  ['tokens', "scopes = '{fcs:read}'", [403, undefined]],
  ['token_secrets', "expires_at = now() - interval '1 s'", [401, 'Token expired']],
  ['token_secrets', "superseded_at = now() - interval '1 s'", REVOKED],
  ['token_secrets', "hash = '\\x00'", [401, 'Invalid token']],
  ['users', 'is_active = false', [401, 'Account is inactive']],
])('an update of %s by hand, %s, is heard', async (table, change, answer) => {
  const { id, token } = await remembered()
  const key = { tokens: id, token_secrets: id, users: user.id }[table] ?? ''
  const column = table === 'token_secrets' ? 'token_id' : 'id'
  await sql.unsafe(`update ${table} set ${change} where ${column} = '${key}'`)
  await app.settled()
  expect(await use(token)).toEqual(answer)
  await sql`update users set is_active = true`
  await sql`delete from token_secrets where hash = '\\x00'`
  await app.settled()
})

test('rows that are deleted, truncated, or changed while triggers are off for replication are heard', async () => {
  const removals = [
    (id: string) => sql`delete from token_secrets where token_id = ${id}`,
    (_: string) => sql`truncate token_secrets, tokens cascade`,
    (id: string) =>
      sql.begin(async (tx) => {
        await tx`set local session_replication_role = replica`
        await tx`update tokens set revoked_at = now() where id = ${id}`
      }),
  ]
  for (const remove of removals) {
    const { id, token } = await remembered()
    await remove(id)
    await app.settled()
    expect((await use(token))[0]).toBe(401)
  }
})

test('a use tells nobody anything', async () => {
  const { token } = await remembered()
  const heard: string[] = []
  const { unlisten } = await sql.listen('pat', (message) => heard.push(message))
  for (let turn = 0; turn < 5; turn++) await use(token)
  await app.settled()
  expect(heard.filter((message) => !message.startsWith('barrier'))).toEqual([])
  await unlisten()
})

test('security 12: a remembered token is never accepted after its expiry by the database’s clock', async () => {
  const { id, token } = await remembered()
  const [row] = await sql<{ expires_at: Date }[]>`
    update token_secrets set expires_at = clock_timestamp() + interval '300 ms' where token_id = ${id}
    returning expires_at`
  const expiry = row?.expires_at.getTime() ?? 0
  let accepted = 0
  for (;;) {
    const [clock] = await sql<{ now: Date }[]>`select clock_timestamp() as now`
    const [status] = await use(token)
    if (status !== 200) break
    accepted++
    expect(clock?.now.getTime()).toBeLessThan(expiry)
  }
  expect(accepted).toBeGreaterThan(0)
  // Nor is it refused before.
  const [{ over } = { over: false }] = await sql<{ over: boolean }[]>`
    select clock_timestamp() >= ${row?.expires_at ?? null} as over`
  expect(over).toBe(true)
})

const known = (id: string, more: Partial<Known> = {}): Known => ({
  principal: { tokenId: id, userId: 'owner', scopes: [], expiresAt: new Date(8.64e15) },
  revoked: false,
  supersededAt: Number.POSITIVE_INFINITY,
  expiresAt: Number.POSITIVE_INFINITY,
  ownerActive: true,
  allowed: null,
  perMinute: null,
  ...more,
})

test('a range of the clock decides only what each instant of it would decide alike', () => {
  const instant = fc.integer({ min: 0, max: 20 })
  fc.assert(
    fc.property(
      fc.boolean(),
      instant,
      instant,
      instant,
      instant,
      (revoked, grace, end, from, to) => {
        fc.pre(from <= to)
        const one = known('one', { revoked, supersededAt: grace, expiresAt: end })
        const each = new Set(
          Array.from({ length: to - from + 1 }, (_, i) => standing(one, from + i, from + i)),
        )
        const [only = null] = each.size === 1 ? each : []
        expect(standing(one, from, to)).toBe(only)
      },
    ),
    { numRuns: 2000 },
  )
})

test('what is remembered stays within its bounds, and a flood of unknown tokens pushes none out', () => {
  const cache = createCache({ known: 3, unknown: 2, unknownMs: 100 })
  for (const id of ['a', 'b', 'c', 'd']) cache.keep(id, known(id), cache.generation())
  expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key)?.principal.tokenId)).toEqual([
    undefined,
    'b',
    'c',
    'd',
  ])
  for (let i = 0; i < 10; i++) cache.keepUnknown(`stranger ${i}`, i)
  expect(cache.get('b')).toBeDefined()
  expect([7, 8, 9].map((i) => cache.isUnknown(`stranger ${i}`, 10))).toEqual([false, true, true])
  expect(cache.isUnknown('stranger 9', 109)).toBe(false)
  const before = cache.generation()
  cache.forget('c')
  cache.keep('e', known('e'), before)
  expect(['b', 'c', 'd', 'e'].map((key) => cache.get(key) !== undefined)).toEqual([
    true,
    false,
    true,
    false,
  ])
  cache.forget('owner')
  expect(['b', 'd'].map((key) => cache.get(key))).toEqual([undefined, undefined])
})

const part = fc.nat(255)
const ipv4 = fc.tuple(part, part, part, part).map((parts) => parts.join('.'))
// Few bits that differ, so that blocks and addresses meet.
const near4 = fc.tuple(fc.constantFrom(10, 11), fc.constantFrom(0, 1, 128), part, part)
const near6 = fc.tuple(fc.constantFrom('2001:db8', '2001:db9', '::ffff'), fc.nat(0xffff))
const address = fc.oneof(
  ipv4,
  near4.map((parts) => parts.join('.')),
  near6.map(([net, last]) =>
    net === '::ffff' ? `::ffff:10.0.0.${last & 255}` : `${net}::${last.toString(16)}`,
  ),
  fc.ipV6(),
)
const block = fc.tuple(address, fc.nat(128))

test('security 9: a list allows in the process just what PostgreSQL’s `<<=` allows', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(block, { maxLength: 4 }),
      fc.array(address, { minLength: 1, maxLength: 8 }),
      async (blocks, from) => {
        const given = blocks.map(([network, bits]) =>
          network.includes(':') ? `${network}/${bits}` : `${network}/${bits % 33}`,
        )
        // `address` gives the app an IPv4-mapped one as the IPv4 address that it is.
        const callers = from.map((text) => parseAddress(text)?.toString() ?? '')
        const rows = await sql<{ list: string[]; allowed: boolean }[]>`
        with given as (
          select coalesce(array_agg(network(block::inet)), '{}') as blocks from unnest(${given}::text[]) as block
        )
        select blocks::text[] as list, caller::inet <<= any(blocks) as allowed
        from given, unnest(${callers}::text[]) with ordinality as caller (caller, at) order by at`
        const list = parseBlocks(rows[0]?.list ?? [])
        const own = callers.map((caller) => {
          const parsed = parseAddress(caller)
          return parsed !== null && isWithin(parsed, list)
        })
        expect(own).toEqual(rows.map(({ allowed }) => allowed))
      },
    ),
    { numRuns: 300 },
  )
})
