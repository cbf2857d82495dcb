// An instance whose connections work, but whose notifications do not arrive: a pooler, or a network gone half.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { startProxy } from '../http/proxy.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { connectService, createDatabase } from '../kit/postgres.ts'
import { until } from '../kit/service.ts'
import { notifications } from './notifications.ts'
import { slowReads } from './slow-reads.ts'

const ME = '/api/v1/users/me'
/** Of the connections that are made from now on. */
let hearing = { on: true }

let closing: (() => unknown)[]
let healthy: TestApp
let deaf: TestApp
let slow: ReturnType<typeof slowReads>
let user: User

beforeAll(async () => {
  const database = await createDatabase()
  const url = new URL(database.url)
  const target = { hostname: url.hostname, port: Number(url.port) }
  const proxy = await startProxy(target, () => notifications(hearing))
  url.port = String(proxy.port)
  const [near, far] = [connectService(database.url).sql, connectService(url.href).sql]
  slow = slowReads(far)
  healthy = await testApp({ sql: near })
  deaf = await testApp({ sql: slow.pool })
  user = await healthy.user()
  closing = [
    () => healthy.close(),
    () => deaf.close(),
    () => near.end(),
    () => far.end(),
    () => database.drop(),
    () => proxy.stop(),
  ]
})
afterAll(async () => {
  for (const close of closing) await close()
})

const statusOf = async ({ token }: Token) => (await deaf.call('GET', ME, { bearer: token })).status
const isRemembered = async (token: Token) => {
  const before = slow.state.reads
  await statusOf(token)
  return slow.state.reads === before
}
const revoke = async ({ id }: Token) =>
  (await healthy.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt })).body.data
    .effective_on
const logged = (event: string) => deaf.lines.some((line) => JSON.parse(line).event === event)

test('an instance that hears nothing has stopped using what it remembers before a revoke is answered', async () => {
  const token = await healthy.token(user, ['users:read'])
  await until(() => isRemembered(token))
  hearing.on = false
  expect((await revoke(token)).fenced).toBe(1)
  expect(await statusOf(token)).toBe(401)
})

test('while it hears nothing it asks the database each time, and says so in its log', async () => {
  const token = await healthy.token(user, ['users:read'])
  await until(async () => {
    expect(await isRemembered(token)).toBe(false)
    return logged('no changes of tokens are heard: every check asks the database')
  })
  await revoke(token)
  expect(await statusOf(token)).toBe(401)
})

test('it gives up the connection that is deaf, and remembers again once another hears', async () => {
  const token = await healthy.token(user, ['users:read'])
  expect(await statusOf(token)).toBe(200)
  hearing = { on: true }
  await until(() => isRemembered(token))
  expect(logged('changes of tokens are heard again')).toBe(true)
  expect(await revoke(token)).toEqual({ confirmed: 1, fenced: 0 })
  expect(await statusOf(token)).toBe(401)
})
