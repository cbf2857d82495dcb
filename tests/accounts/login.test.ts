import { afterAll, beforeAll, expect, test } from 'bun:test'
import { memoryLimits } from '../../src/limits.ts'
import { type TestApp, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
beforeAll(async () => {
  // Every attempt is made an hour after the one before, so that none is throttled.
  let hours = 0
  const limits = memoryLimits(() => ++hours * 3_600_000)
  app = await testApp({ accessTokenMinutes: 7, limits })
  user = await app.user()
})
afterAll(() => app.close())

const login = (json: Record<string, unknown>) => app.call('POST', '/api/v1/auth/login', { json })
const email = () => `${user.username}@example.org`

test('a login answers with a bearer token, its seconds, and who it is for', async () => {
  const { username, password } = user
  const answer = await login({ username, password })
  expect([answer.status, answer.body]).toEqual([
    200,
    {
      success: true,
      data: {
        access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        token_type: 'bearer',
        expires_in: 420,
        user: { id: user.id, username, email: email() },
      },
    },
  ])
  const bearer = answer.body.data.access_token
  expect((await app.call('GET', '/api/v1/tokens', { bearer })).status).toBe(200)
})

test('username or email log in, in any case and with spaces around', async () => {
  const { username, password } = user
  for (const name of [username.toUpperCase(), ` ${username} `, email(), email().toUpperCase()]) {
    const { status, body } = await login({ username: name, password })
    expect([name, status, body.data?.user.id]).toEqual([name, 200, user.id])
  }
})

test('where one name is the username of one and the email of another, the password says who is meant', async () => {
  const password = 'the password of the impostor'
  const json = { username: email(), email: 'impostor@example.org', password }
  const registered = await app.call('POST', '/api/v1/auth/register', { json })
  expect(registered.status).toBe(201)
  const impostor = await login({ username: email(), password })
  expect(impostor.body.data.user.id).toBe(registered.body.data.id)
  const owner = await login({ username: email(), password: user.password })
  expect(owner.body.data.user.id).toBe(user.id)
})

test('security 14: an unknown user and a wrong password are told apart by nothing', async () => {
  const wrong = { username: user.username, password: 'not the password' }
  const unknown = { username: 'nobody at all', password: 'not the password' }
  const answers = [await login(wrong), await login(unknown)]
  for (const { status, headers, body } of answers) {
    expect([status, headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="pat-auth-system"',
    ])
    expect(body).toEqual({
      success: false,
      error: 'Unauthorized',
      message: 'Incorrect username or password',
    })
  }
  const [names, others] = answers.map(({ headers }) => [...headers.keys()])
  expect(names).toEqual(others ?? [])

  const timed = async (json: Record<string, unknown>) => {
    const started = performance.now()
    await login(json)
    return performance.now() - started
  }
  const median = (all: number[]) => all.toSorted((a, b) => a - b)[25] ?? 0
  const ratio = async () => {
    const times: { wrong: number[]; unknown: number[] } = { wrong: [], unknown: [] }
    // In turns, so that whatever else the machine does falls on both.
    for (let turn = 0; turn < 50; turn++) {
      times.wrong.push(await timed(wrong))
      times.unknown.push(await timed(unknown))
    }
    return median(times.unknown) / median(times.wrong)
  }
  const isEqual = (value: number) => value > 0.9 && value < 1.1
  // A difference in the work shows every time; the noise of a busy machine does not.
  expect(isEqual(await ratio()) || isEqual(await ratio()) || isEqual(await ratio())).toBe(true)
}, 40_000)

test.each([
  ['no password', { username: 'a' }],
  ['no username', { password: 'a' }],
  ['a password that is no text', { username: 'a', password: 1 }],
  ['an unknown field', { username: 'a', password: 'b', remember: true }],
  ['a username of 1,001 characters', { username: 'a'.repeat(1001), password: 'b' }],
])('a login with %s is 422', async (_, json) => {
  expect((await login(json)).status).toBe(422)
})

test('an inactive account is told so only with its right password', async () => {
  const { username, password, id } = await app.user()
  await app.sql`update users set is_active = false where id = ${id}`
  const right = await login({ username, password })
  expect([right.status, right.body.message]).toEqual([401, 'Account is inactive'])
  const wrong = await login({ username, password: 'not the password' })
  expect([wrong.status, wrong.body.message]).toEqual([401, 'Incorrect username or password'])
})
