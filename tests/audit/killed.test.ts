import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { client, logIn } from '../kit/client.ts'
import { folders, type Service, service } from '../kit/service.ts'

setDefaultTimeout(120_000)

const CLIENTS = 16
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 2)
const made = folders()
afterAll(made.remove)

/** The embedded database's own process, in a folder where it could stay. */
const databasePid = async (folder: string) =>
  Number.parseInt(await Bun.file(join(folder, 'data/postgres/cluster/postmaster.pid')).text(), 10)

/**
 * Calls from many clients, each call from an address of its own, until the service is killed outright, and every other
 * time its database with it. The addresses whose calls were answered.
 */
async function useUntilKilled(running: Service, folder: string, token: string, round: number) {
  const call = client(running.url)
  const database = await databasePid(folder)
  const answers = 1 + Math.floor(Math.random() * 500)
  const answered: string[] = []
  let calls = 0
  const use = async () => {
    for (;;) {
      const from = `10.${round}.${calls >> 8}.${calls++ & 255}`
      const headers = { 'x-forwarded-for': from }
      const sent = call('GET', '/api/v1/workspaces', { bearer: token, headers })
      const answer = await sent.catch(() => null)
      if (answer === null) return
      expect(answer.status).toBe(200)
      if (answered.push(from) !== answers) continue
      if (round % 2 === 1) process.kill(database, 'SIGKILL')
      running.signal('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, use))
  await running.closed
  return answered
}

test('security 29: killed outright under load, with its database or without, the service has a row for every answer that a client saw', async () => {
  const folder = await made.create()
  const start = () =>
    service(folder, {
      TRUSTED_PROXIES: '127.0.0.1',
      RATE_LIMIT_PER_MINUTE: '0',
      TOKEN_RATE_LIMIT_PER_MINUTE: '0',
    })
  let running = await start()
  const jwt = await logIn(client(running.url), 'witness')
  const json = { name: 'busy', scopes: ['workspaces:read'] }
  const created = await client(running.url)('POST', '/api/v1/tokens', { bearer: jwt, json })
  const { id, token } = created.body.data

  const answered: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    answered.push(...(await useUntilKilled(running, folder, token, round)))
    running = await start()
    const logged = new Set<string>()
    let total = 0
    let place = ''
    do {
      const path = `/api/v1/tokens/${id}/logs?limit=1000${place}`
      const { data } = (await client(running.url)('GET', path, { bearer: jwt })).body
      for (const { ip } of data.logs) logged.add(ip)
      total = data.total_logs
      place = data.next_cursor && `&cursor=${data.next_cursor}`
    } while (place)
    expect(answered.filter((from) => !logged.has(from))).toEqual([])
    expect(logged.size).toBe(total)
  }
  await running.end()
})
