import { afterAll, beforeAll, expect, test } from 'bun:test'
import postgres, { type Sql } from 'postgres'
import { isDatabaseDown } from '../src/db.ts'
import { type TestApp, testApp, type User } from './kit/app.ts'
import { testServer } from './kit/postgres.ts'

const ROUNDS = 5
const AT_ONCE = 40

let api: TestApp
let admin: Sql
let user: User

beforeAll(async () => {
  admin = postgres((await testServer()).url, { max: 1 })
  api = await testApp()
  user = await api.user()
})
afterAll(async () => {
  await api.close()
  await admin.end()
})

/** Sends calls in rounds, and ends every connection to the database while each round is under way. */
async function whileConnectionsEnd(send: (round: number, index: number) => Promise<unknown>) {
  const [database] = await api.sql<{ name: string }[]>`select current_database() as name`
  const started = performance.now()
  for (let round = 0; round < ROUNDS; round++) {
    const sent = Array.from({ length: AT_ONCE }, (_, index) => send(round, index))
    await admin`
      select pg_terminate_backend(pid) from pg_stat_activity where datname = ${database?.name ?? ''}`
    await Promise.all(sent)
  }
  return performance.now() - started
}

/** What a query gives; a connection that learns only now that it has ended may answer once. */
async function afterwards<T>(query: () => PromiseLike<T>): Promise<T> {
  for (;;) {
    try {
      return await query()
    } catch (error) {
      if (!isDatabaseDown(error)) throw error
    }
  }
}

// The driver gives up a connection that it can't bring back after its timeout of five seconds.
const STUCK_MS = 4500

test('security 29: connections that end under load fail what they carried, and nothing waits for them', async () => {
  const { token } = await api.token(user, ['workspaces:write'])
  const created: string[] = []
  const took = await whileConnectionsEnd(async (round, index) => {
    const name = `${round}-${index}`
    const { status } = await api.call('POST', '/api/v1/workspaces', {
      bearer: token,
      json: { name },
    })
    expect(status).toBeOneOf([201, 503])
    if (status === 201) created.push(name)
  })
  expect(took).toBeLessThan(STUCK_MS)
  const rows = await afterwards(() => api.sql<{ name: string }[]>`select name from workspaces`)
  const names = rows.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(created.filter((name) => !names.includes(name))).toEqual([])
  const [audited] = await afterwards(
    () => api.sql<{ rows: number }[]>`
      select count(*)::int as rows from audit_log where status_code = 201`,
  )
  expect(audited?.rows).toBeGreaterThanOrEqual(created.length)
}, 30_000)

test('a transaction whose connection ends is undone as a whole', async () => {
  const { id } = await api.token(user, ['users:read'])
  const statuses: number[] = []
  const took = await whileConnectionsEnd(async () => {
    const { status } = await api.call('POST', `/api/v1/tokens/${id}/regenerate`, {
      bearer: user.jwt,
    })
    statuses.push(status)
  })
  expect(took).toBeLessThan(STUCK_MS)
  expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
  const [secrets] = await afterwards(
    () => api.sql<{ current: number; ended: number }[]>`
      select count(*) filter (where superseded_at is null)::int as current,
        count(superseded_at)::int as ended
      from token_secrets where token_id = ${id}`,
  )
  expect(secrets?.current).toBe(1)
  expect(secrets?.ended).toBeGreaterThanOrEqual(statuses.filter((status) => status === 200).length)
}, 30_000)
