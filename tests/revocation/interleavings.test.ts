// Rounds of everything at once on two instances. More of them: ROUNDS=10000 bun test tests/revocation/interleavings
import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import postgres, { type Sql } from 'postgres'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { connectService, createDatabase } from '../kit/postgres.ts'
import { slowReads } from './slow-reads.ts'

const ROUNDS = Number(process.env.ROUNDS ?? 300)
const ME = '/api/v1/users/me'

type Instance = { app: TestApp; slow: ReturnType<typeof slowReads>; sql: Sql }

let database: Awaited<ReturnType<typeof createDatabase>>
let admin: Sql
let instances: [Instance, Instance]
let user: User

beforeAll(async () => {
  database = await createDatabase()
  admin = postgres(database.url, { max: 1 })
  const start = async (): Promise<Instance> => {
    const { sql } = connectService(database.url)
    const slow = slowReads(sql)
    return { app: await testApp({ sql: slow.pool }), slow, sql }
  }
  instances = [await start(), await start()]
  user = await instances[0].app.user()
})
afterAll(async () => {
  for (const { app, sql } of instances) {
    await app.close()
    await sql.end()
  }
  await admin.end()
  await database.drop()
})

const accepts = async ({ app }: Instance, { token }: Token) =>
  (await app.call('GET', ME, { bearer: token })).status === 200

/** Uses a token until its check asks nothing of the database. */
async function warm(instance: Instance, token: Token) {
  for (;;) {
    const before = instance.slow.state.reads
    expect(await accepts(instance, token)).toBe(true)
    if (instance.slow.state.reads === before) return
  }
}

const manage = async ({ app }: Instance, method: string, path: string, json?: unknown) => {
  const call = { bearer: user.jwt, ...(json !== undefined && { json }) }
  const { status } = await app.call(method, `/api/v1/tokens/${path}`, call)
  expect(status).toBe(200)
}
/** Each takes the token's string away and returns when that is answered; and what gives it back to the owner. */
const CHANGES = {
  revoke: (on: Instance, { id }: Token) => manage(on, 'DELETE', id),
  regenerate: (on: Instance, { id }: Token) => manage(on, 'POST', `${id}/regenerate`),
  list: (on: Instance, { id }: Token) =>
    manage(on, 'PUT', `${id}/allowed-ips`, { allowed_ips: ['192.0.2.1'] }),
  async deactivate({ app }: Instance) {
    await admin`update users set is_active = false where id = ${user.id}`
    await app.settled()
  },
}

/** Ends the ear of the one or of the other. */
const cut = (which: number) => admin`
  select pg_terminate_backend(pid) from (
    select pid from pg_stat_activity where datname = current_database() and query like 'listen%'
    order by pid limit 1 offset ${which}
  ) as ear`

const side = fc.nat(1)
const step = fc.oneof(
  { weight: 120, arbitrary: fc.tuple(fc.constant('use' as const), side) },
  { weight: 60, arbitrary: fc.tuple(fc.constant('hold' as const), side) },
  { weight: 60, arbitrary: fc.tuple(fc.constant('release' as const), side) },
  { weight: 60, arbitrary: fc.tuple(fc.constant('turn' as const), side) },
  // A part of its rounds only: without an ear nothing is remembered for a while.
  { weight: 1, arbitrary: fc.tuple(fc.constant('cut' as const), side) },
)
const round = fc.record({
  warmed: fc.subarray([0, 1] as const),
  change: fc.constantFrom(...(Object.keys(CHANGES) as (keyof typeof CHANGES)[])),
  on: side,
  before: fc.array(step, { maxLength: 6 }),
  meanwhile: fc.array(step, { maxLength: 6 }),
})

test(
  'security 10: what begins after the answer to a change is never accepted, on any instance',
  async () => {
    await fc.assert(
      fc.asyncProperty(round, async ({ warmed, change, on, before, meanwhile }) => {
        const [first] = instances
        const token = await first.app.token(user, ['users:read'])
        for (const at of warmed) await warm(instances[at], token)
        let answered = false
        const late: Promise<boolean>[] = []
        const uses: Promise<boolean>[] = []
        const run = async ([kind, which]: (typeof before)[number]) => {
          const instance = instances[which === 0 ? 0 : 1]
          if (kind === 'use') (answered ? late : uses).push(accepts(instance, token))
          else if (kind === 'turn') await admin`select 1`
          else if (kind === 'cut') await cut(which)
          else instance.slow[kind]()
        }
        for (const one of before) await run(one)
        const changed = CHANGES[change](instances[on === 0 ? 0 : 1], token).then(() => {
          answered = true
          for (const instance of instances) late.push(accepts(instance, token))
        })
        for (const one of meanwhile) await run(one)
        await changed
        // What was read before the change arrives now.
        for (const { slow } of instances) slow.release()
        await Promise.all(uses)
        for (const instance of instances) late.push(accepts(instance, token))
        expect(await Promise.all(late)).not.toContain(true)
        if (change === 'deactivate') {
          await admin`update users set is_active = true where id = ${user.id}`
          await first.app.settled()
        }
      }),
      { numRuns: ROUNDS, endOnFailure: true },
    )
  },
  ROUNDS * 200,
)
