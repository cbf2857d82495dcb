import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { type Program, programAlone } from './program.ts'

setDefaultTimeout(60_000)

const CLIENTS = Number(process.env.FAULT_CLIENTS ?? 24)
const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 2)

let service: Program
beforeAll(async () => {
  service = await programAlone()
})
afterAll(() => service.end())

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
