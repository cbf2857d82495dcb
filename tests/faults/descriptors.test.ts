import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { connect } from 'node:net'
import { createDatabase } from '../kit/postgres.ts'
import { BUN, until } from '../kit/service.ts'
import { program } from './program.ts'

setDefaultTimeout(60_000)

const CLIENTS = 12
const LIMIT = 96
const LIMITED = ['sh', '-c', `ulimit -n ${LIMIT}; exec "$@"`, 'sh', ...BUN]

let database: Awaited<ReturnType<typeof createDatabase>>
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

test('no file descriptor is left: no answer is wrong, the program does not end, and with some free it goes on', async () => {
  const service = await program(database.url, { command: LIMITED })
  const { load } = service
  const { hostname, port } = new URL(service.process().url)
  const clients = load.start(CLIENTS)
  await clients.succeeds(5 * CLIENTS)
  const sockets = Array.from({ length: 2 * LIMIT }, () =>
    connect(Number(port), hostname).on('error', () => {}),
  )
  const refused = () => load.seen.filter(({ status }) => status === 503)
  await until(async () => refused().length > CLIENTS)
  for (const socket of sockets) socket.destroy()
  await clients.succeeds(10 * CLIENTS)
  await clients.stop()

  for (const { text } of refused()) {
    expect(JSON.parse(text)).toEqual({
      ...{ success: false, error: 'Service Unavailable', message: expect.any(String) },
    })
  }
  const statuses = new Set(load.seen.map(({ status }) => status))
  expect(statuses.isSubsetOf(new Set([0, 200, 201, 404, 503]))).toBe(true)
  await service.expectNothingLost()
  expect(await service.orphans()).toEqual([])
  expect(await service.end()).toBe(0)
})
