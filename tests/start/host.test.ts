import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createDatabase } from '../kit/postgres.ts'
import { folders, rawConnection, type Service, service } from '../kit/service.ts'

const kept = folders()
let database: Awaited<ReturnType<typeof createDatabase>>
let running: Service

beforeAll(async () => {
  database = await createDatabase()
  running = await service(await kept.create(), { DATABASE_URL: database.url })
})
afterAll(async () => {
  await running.end()
  await database.drop()
  await kept.remove()
})

async function raw(request: string): Promise<string> {
  const { socket, first } = await rawConnection(running.url)
  socket.write(request)
  const answer = await first
  socket.destroy()
  return answer
}

test('a health check in HTTP/1.0, without a Host, is answered', async () => {
  const answer = await raw('GET /health HTTP/1.0\r\n\r\n')
  expect(answer).toStartWith('HTTP/1.1 200')
  expect(answer).toEndWith('{"status":"ok"}')
  expect(answer.toLowerCase()).not.toContain('ratelimit')
})

test.each([
  ['without a Host', 'GET /a/health?/ready HTTP/1.0\r\n\r\n'],
  ['with a Host that is none', 'GET /a/health?/ready HTTP/1.1\r\nHost: a b\r\n\r\n'],
])('a request %s reaches what its path says, and is counted', async (_, request) => {
  const answer = await raw(request)
  expect(answer).toStartWith('HTTP/1.1 404')
  expect(answer.toLowerCase()).toContain('ratelimit:')
})

test('a body without a Host is read as any other', async () => {
  const body = '{"username":"x"}'
  const answer = await raw(
    `POST /api/v1/auth/login HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  expect(answer).toStartWith('HTTP/1.1 422')
  expect(answer).toContain('"field":"password"')
})
