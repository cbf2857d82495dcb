import { afterAll, beforeAll, expect, test } from 'bun:test'
import postgres, { type Sql } from 'postgres'
import { type Client, client, logIn } from '../kit/client.ts'
import { testServer } from '../kit/postgres.ts'
import { folders, rawConnection, type Service, service, until } from '../kit/service.ts'

const ME = '/api/v1/users/me'
const made = folders()
let admin: Sql
let sql: Sql
let env: Record<string, string>
let folder: string
let first: Service
let call: Client
let jwt: string

beforeAll(async () => {
  const { url } = await testServer()
  admin = postgres(url, { max: 1 })
  await admin`create database revocation`
  folder = await made.create()
  const ours = new URL('/revocation', url).href
  sql = postgres(ours, { max: 1 })
  env = { DATABASE_URL: ours, RATE_LIMIT_PER_MINUTE: '0', TOKEN_RATE_LIMIT_PER_MINUTE: '0' }
  first = await service(folder, env)
  call = client(first.url)
  jwt = await logIn(call, 'anywhere')
}, 30_000)
afterAll(async () => {
  await first.end()
  await sql.end()
  await admin`drop database revocation with (force)`
  await admin.end()
  await made.remove()
})

const create = async (): Promise<{ id: string; token: string }> => {
  const json = { name: 'a token', scopes: ['users:read'] }
  return (await call('POST', '/api/v1/tokens', { bearer: jwt, json })).body.data
}
/** What the answer to a revoke says of the instances. */
const revoke = async (id: string) => {
  const { status, body } = await call('DELETE', `/api/v1/tokens/${id}`, { bearer: jwt })
  expect(status).toBe(200)
  return body.data.effective_on
}
/** Uses a token on these services until each has a lease, and then once more, so that each remembers it. */
async function use(token: string, services: Service[]) {
  const all = async () => {
    for (const { url } of services) {
      expect((await client(url)('GET', ME, { bearer: token })).status).toBe(200)
    }
    // The first beat is in the row; the second is sent when the first has come back.
    const beating = await sql`select from pat_instances where beat > 1`
    return beating.length >= services.length
  }
  await until(all)
  await all()
}

test('an instance that hears confirms a revoke, and refuses the token', async () => {
  const second = await service(folder, env)
  const { id, token } = await create()
  await use(token, [first, second])
  expect(await revoke(id)).toEqual({ confirmed: 2, fenced: 0 })
  for (const { url } of [first, second]) {
    expect((await client(url)('GET', ME, { bearer: token })).status).toBe(401)
  }
  await second.end()
  expect(await revoke(id)).toEqual({ confirmed: 1, fenced: 0 })
}, 20_000)

test('a suspended instance is waited for, then no more, and has forgotten what it knew when it goes on', async () => {
  const second = await service(folder, env)
  for (let round = 0; round < 2; round++) {
    const { id, token } = await create()
    await use(token, [first, second])
    const connection = await rawConnection(second.url)
    second.signal('SIGSTOP')
    expect(await revoke(id)).toEqual({ confirmed: 1, fenced: 1 })
    await until(async () => (await revoke(id)).fenced === 0)
    // It wakes up with the request already in its socket, as is the word of the revoke.
    connection.socket.write(
      `GET ${ME} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
    second.signal('SIGCONT')
    expect(await connection.first).toStartWith('HTTP/1.1 401')
    connection.socket.destroy()
  }
  await second.end()
}, 20_000)

test('an instance that was killed is waited for, then no more', async () => {
  const second = await service(folder, env)
  const { id, token } = await create()
  await use(token, [first, second])
  second.signal('SIGKILL')
  await second.closed
  expect(await revoke(id)).toEqual({ confirmed: 1, fenced: 1 })
  await until(async () => (await revoke(id)).fenced === 0)
}, 20_000)
