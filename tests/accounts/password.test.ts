import { afterAll, beforeAll, expect, test } from 'bun:test'
import { hash } from '@node-rs/argon2'
import { type TestApp, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const login = (password: string, username = user.username) =>
  app.call('POST', '/api/v1/auth/login', { json: { username, password } })
const storedOf = async ({ id }: User): Promise<string> =>
  (await app.sql`select password_hash from users where id = ${id}`)[0]?.password_hash

test("security 13: a password is kept as Argon2id, at OWASP's minimum or above, with a salt of its own", async () => {
  const form = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]{22,})\$[\w+/]{43}$/
  const [, memory, passes, lanes, salt] = form.exec(await storedOf(user)) ?? []
  expect(Number(memory)).toBeGreaterThanOrEqual(19_456)
  expect([Number(passes) >= 2, Number(lanes)]).toEqual([true, 1])
  expect(await storedOf(await app.user())).not.toContain(salt ?? '')
})

test('security 13: passwords of 73 bytes that differ in the last are different', async () => {
  const [first, second] = [`${'x'.repeat(72)}a`, `${'x'.repeat(72)}b`]
  const json = { username: 'seventy-three', email: '73@example.org', password: first }
  expect((await app.call('POST', '/api/v1/auth/register', { json })).status).toBe(201)
  expect((await login(second, 'seventy-three')).status).toBe(401)
  expect((await login(first, 'seventy-three')).status).toBe(200)
})

test.each([
  ['weaker parameters', { memoryCost: 8192, timeCost: 1, parallelism: 1 }],
  ['more lanes', { memoryCost: 19_456, timeCost: 2, parallelism: 2 }],
])('security 13: a login renews a hash of %s, a failed one does not', async (_, parameters) => {
  const outdated = await hash(user.password, parameters)
  await app.sql`update users set password_hash = ${outdated} where id = ${user.id}`

  expect((await login('not the password')).status).toBe(401)
  expect(await storedOf(user)).toBe(outdated)

  expect((await login(user.password)).status).toBe(200)
  const renewed = await storedOf(user)
  expect(renewed).toStartWith('$argon2id$v=19$m=19456,t=2,p=1$')

  expect((await login(user.password)).status).toBe(200)
  expect(await storedOf(user)).toBe(renewed)
})
