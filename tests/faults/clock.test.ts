import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { client } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders } from '../kit/service.ts'
import { program } from './program.ts'

setDefaultTimeout(60_000)

const [faketime] = new Bun.Glob('/usr/lib/*/faketime/libfaketime.so.1').scanSync('/')
const CLIENTS = 8
const LIMIT = 30
const HOUR_SECONDS = 3_600
const made = folders()
afterAll(made.remove)

/** A clock that a process reads instead of the machine's. Like the machine's it moves what lasts for nobody. */
async function steppedClock() {
  const file = join(await made.create(), 'clock')
  const step = (seconds: number) => writeFile(file, `${seconds < 0 ? '' : '+'}${seconds}`)
  await step(0)
  const env = {
    LD_PRELOAD: faketime ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return { env, step }
}

test.skipIf(!faketime)(
  'the clock of the service is stepped by an hour, ahead and back: tokens end by that of the database, logins by that of the service, limits by neither, and no row is lost',
  async () => {
    const ours = await steppedClock()
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
