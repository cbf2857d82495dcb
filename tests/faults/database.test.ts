import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { client } from '../kit/client.ts'
import { folders } from '../kit/service.ts'
import { ownDatabase } from './own-database.ts'
import { type Program, program } from './program.ts'

setDefaultTimeout(60_000)

const CLIENTS = Number(process.env.FAULT_CLIENTS ?? 24)
const FROZEN_MS = 10_000
/** Three seconds and a half until a hang is noticed, and as much again for a machine that is busy. */
const PATIENCE_MS = 7_000
/** Its pool, the connection of the audit, the one that hears of changes, and the one that asks whether the database answers. */
const CONNECTIONS = 16 + 3

// The processes of PostgreSQL are found in /proc.
const linuxTest = test.skipIf(process.platform !== 'linux')

const made = folders()
let database: Awaited<ReturnType<typeof ownDatabase>>
let service: Program
beforeAll(async () => {
  database = await ownDatabase(await made.create())
  service = await program(database.url)
})
afterAll(async () => {
  await service.end()
  await database.stop()
  await made.remove()
})

/** Breaks the database under load and mends it: what holds whatever the fault. */
async function through(fault: () => Promise<void>) {
  const { load, process } = service
  const pid = process().pid
  const clients = load.start(CLIENTS)
  await clients.succeeds(10 * CLIENTS)
  const from = load.seen.length
  try {
    await fault()
    await clients.succeeds(10 * CLIENTS)
  } finally {
    await clients.stop()
  }

  const seen = load.seen.slice(from)
  expect(seen.filter(({ status }) => ![200, 201, 404, 503].includes(status))).toEqual([])
  expect(seen.filter(({ ms }) => ms > PATIENCE_MS)).toEqual([])
  for (const { text } of seen.filter(({ status }) => status === 503)) {
    expect(JSON.parse(text)).toEqual({
      ...{ success: false, error: 'Service Unavailable', message: expect.any(String) },
    })
  }
  await service.expectNothingLost()
  expect(await service.connections()).toBeLessThanOrEqual(CONNECTIONS)
  // It was never restarted.
  expect(process().pid).toBe(pid)
  expect((await client(process().url)('GET', '/ready')).status).toBe(200)
  return seen
}

linuxTest(
  'every process of the database stands still for ten seconds: each request has its 503 in time, and then all goes on',
  async () => {
    const { load, process } = service
    const seen = await through(async () => {
      await database.freeze()
      // However the test ends, nothing may stay frozen behind it.
      const later = Bun.sleep(FROZEN_MS).then(() => database.thaw())
      const call = client(process().url)
      const json = { username: 'witness', password: 'wrong, and long' }
      const others = await Promise.all([
        call('POST', '/api/v1/auth/login', { json }),
        call('GET', '/api/v1/tokens', { bearer: load.jwt }),
        call('GET', '/ready'),
      ])
      await later
      const answers = others.map(({ status, headers }) => [status, headers.get('retry-after')])
      expect(answers).toEqual(Array(3).fill([503, '1']))
    })
    expect(seen.filter(({ status }) => status === 503).length).toBeGreaterThan(CLIENTS)
  },
)

linuxTest(
  'the database is killed outright and started again: nothing that was answered is lost, and the service goes on by itself',
  async () => {
    await through(async () => {
      await database.kill()
      await database.start()
    })
  },
)
