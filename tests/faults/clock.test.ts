import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { client } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, until } from '../kit/service.ts'
import { program } from './program.ts'
import { HAS_FAKETIME, HOUR_SECONDS, steppedClock } from './stepped-clock.ts'

setDefaultTimeout(60_000)

const CLIENTS = 8
const LIMIT = 30
const made = folders()
afterAll(made.remove)

test.skipIf(!HAS_FAKETIME)(
  'the clock of the service is stepped by an hour, ahead and back: tokens end by that of the database, logins by that of the service, limits by neither, and no row is lost',
  async () => {
    const ours = await steppedClock(made)
    const database = await createDatabase()
    const service = await program(database.url, { env: ours.env })
    const { load, sql } = service
    const call = client(service.process().url)
    const token = async (minutes: number, more = {}) => {
      const json = { name: 'ends', scopes: ['workspaces:read'], expires_in_days: 1, ...more }
      const { id, token } = (await call('POST', '/api/v1/tokens', { bearer: load.jwt, json })).body
        .data
      await sql`
      update token_secrets set expires_at = now() + make_interval(mins => ${minutes}) where token_id = ${id}`
      return token
    }
    const [soon, over, limited] = [
      await token(30),
      await token(-30),
      await token(60, { rate_limit_per_minute: LIMIT }),
    ]
    const use = async (bearer: string, path = '/api/v1/workspaces') =>
      (await call('GET', path, { bearer })).status
    const lookedAfter = async () =>
      (await sql`select monitor_claim_on::text as at from public_jobs.queue`)[0]?.at
    const clients = load.start(CLIENTS)
    for (let i = 0; i < LIMIT; i++) expect(await use(limited)).toBe(200)

    for (const [hours, login] of [
      [0, 200],
      [1, 401],
      [-1, 200],
      [0, 200],
    ] as const) {
      await ours.step(hours * HOUR_SECONDS)
      await clients.succeeds(2 * CLIENTS)
      const found = {
        ...{ soon: await use(soon), over: await use(over) },
        login: await use(load.jwt, '/api/v1/tokens'),
      }
      expect(found).toEqual({ soon: 200, over: 401, login })
      const refused = await call('GET', '/api/v1/workspaces', { bearer: limited })
      expect(refused.status).toBe(429)
      expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60)
      // Set back, it keeps nobody from looking after the uploads of instances that died.
      const before = await lookedAfter()
      if (hours < 0) await until(async () => (await lookedAfter()) !== before)
    }
    await clients.stop()
    expect(
      load.seen.filter(({ status }) => status === 0 || (status >= 400 && status !== 404)),
    ).toEqual([])
    await service.expectNothingLost()

    // A walk through the log meets each row once, whatever the clock said when it was written.
    const ids: string[] = []
    for (let cursor = ''; ; ) {
      const path = `/api/v1/tokens/${load.tokenId}/logs?limit=200${cursor && `&cursor=${cursor}`}`
      const { data } = (await call('GET', path, { bearer: load.jwt })).body
      ids.push(...data.logs.map((log: { ip: string }) => log.ip))
      cursor = data.next_cursor ?? ''
      if (!cursor) break
    }
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBe(load.seen.length)
    await service.end()
    await database.drop()
  },
)
