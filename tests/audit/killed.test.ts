import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { client, logIn } from '../kit/client.ts'
import { folders, service } from '../kit/service.ts'

setDefaultTimeout(120_000)

const CLIENTS = 16
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 2)
const made = folders()
afterAll(made.remove)

/** The embedded database's own process, in a folder where it could stay. */
const databasePid = async (folder: string) =>
  Number.parseInt(await Bun.file(join(folder, 'data/postgres/cluster/postmaster.pid')).text(), 10)

/** Calls from many clients until the service is killed outright, and every other time its database with it. */
async function useUntilKilled(
  folder: string,
  token: string,
  answers: number,
  withDatabase: boolean,
) {
  const running = await service(folder, { RATE_LIMIT_PER_MINUTE: '0' })
  const call = client(running.url)
  const database = await databasePid(folder)
  let seen = 0
  const use = async () => {
    for (;;) {
      const answer = await call('GET', '/api/v1/workspaces', { bearer: token }).catch(() => null)
      if (answer === null) return
      expect(answer.status).toBe(200)
      if (++seen !== answers) continue
      if (withDatabase) process.kill(database, 'SIGKILL')
      running.signal('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, use))
  await running.closed
  return seen
}

test('security 29: killed outright under load, with its database or without, the service has a row for every answer that a client saw', async () => {
  const folder = await made.create()
  const first = await service(folder, {})
  const call = client(first.url)
  const jwt = await logIn(call, 'witness')
  const json = { name: 'busy', scopes: ['workspaces:read'] }
  const { id, token } = (await call('POST', '/api/v1/tokens', { bearer: jwt, json })).body.data
  await first.end()

  let seen = 0
  for (let round = 0; round < ROUNDS; round++) {
    const answers = 1 + Math.floor(Math.random() * 500)
    seen += await useUntilKilled(folder, token, answers, round % 2 === 1)
    const again = await service(folder, {})
    const log = async (query: string) => {
      const path = `/api/v1/tokens/${id}/logs?authorized=true&${query}`
      return (await client(again.url)('GET', path, { bearer: jwt })).body.data
    }
    const rows = (await log('from=2000-01-01T00:00:00Z')).total_logs
    // What was under way when it was killed may have its row without its answer.
    expect(rows).toBeWithin(seen, seen + CLIENTS * (round + 1) + 1)
    expect((await log('')).total_logs).toBe(rows)
    await again.end()
  }
})
