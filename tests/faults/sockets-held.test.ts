import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createDatabase } from '../kit/postgres.ts'
import { rawConnection } from '../kit/service.ts'
import { program } from './program.ts'

setDefaultTimeout(60_000)

const CLIENTS = 12
let database: Awaited<ReturnType<typeof createDatabase>>
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

const connections = (url: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => rawConnection(url)))

const HEAD = 'GET /api/v1/workspaces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer '

test('500 idle connections and 50 that send a byte at a time: everybody else is served, and at last the slow ones are, too', async () => {
  const service = await program(database.url)
  const { load } = service
  const { url } = service.process()
  const idle = await connections(url, 500)
  const slow = await connections(url, 50)
  const head = `${HEAD}${load.token}\r\nConnection: close\r\n\r\n`
  const clients = load.start(CLIENTS)
  for (const byte of head) {
    for (const { socket } of slow) socket.write(byte)
    // As slow as others are served.
    await clients.succeeds(1)
  }
  const answers = await Promise.all(slow.map(({ closed }) => closed))
  await clients.stop()
  expect(answers.filter((answer) => !answer.startsWith('HTTP/1.1 200 '))).toEqual([])
  expect(load.seen.filter(({ status }) => status === 0 || status >= 500)).toEqual([])
  for (const { socket } of idle) socket.destroy()
  await service.end()
})
