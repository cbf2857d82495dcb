import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createDatabase } from '../kit/postgres.ts'
import { type Program, program } from './program.ts'

setDefaultTimeout(60_000)

const CLIENTS = Number(process.env.FAULT_CLIENTS ?? 24)
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 2)

let database: Awaited<ReturnType<typeof createDatabase>>
let service: Program
beforeAll(async () => {
  database = await createDatabase()
  service = await program(database.url)
})
afterAll(async () => {
  await service.end()
  await database.drop()
})

test('the service is killed outright at some moment: each answer has its row, each upload is whole, and the next start goes on', async () => {
  const { load } = service
  for (let round = 0; round < ROUNDS; round++) {
    const clients = load.start(CLIENTS)
    await clients.succeeds(2 * CLIENTS + Math.floor(Math.random() * 400))
    const killed = service.process()
    killed.signal('SIGKILL')
    await killed.closed
    await service.restart()
    await clients.succeeds(2 * CLIENTS)
    await clients.stop()
    expect(load.seen.filter(({ status }) => status >= 500)).toEqual([])
    await service.expectNothingLost()
  }
})
