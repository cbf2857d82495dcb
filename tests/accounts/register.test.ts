import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { caseless } from '../../src/schema.ts'
import { type TestApp, testApp } from '../kit/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

const PASSWORD = 'correct horse battery'
let people = 0
const register = (json: Record<string, unknown>) => {
  const email = `someone-${++people}@example.org`
  const fields = { username: `someone-${people}`, email, password: PASSWORD, ...json }
  return app.call('POST', '/api/v1/auth/register', { json: fields })
}

test('registering answers with the account and nothing of its password', async () => {
  const answer = await register({ username: '  Ada Lovelace ', email: 'Ada@Example.org' })
  expect(answer.status).toBe(201)
  expect(answer.body).toEqual({
    success: true,
    data: {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      username: 'Ada Lovelace',
      email: 'Ada@Example.org',
      created_at: expect.stringMatching(/Z$/),
    },
  })
})

test.each([
  ['3 characters', 'abc'],
  ['50 characters', 'x'.repeat(50)],
  ['3 characters outside the basic plane', '🧬🔬🧪'],
  ['50 of them', '🧬'.repeat(50)],
  ['many scripts', '用户 Zoë Ωμέγα'],
])('a username of %s is taken', async (_, username) => {
  const { status, body } = await register({ username })
  expect([status, body.data?.username]).toEqual([201, username])
})

test.each([
  ['2 characters', 'ab'],
  ['2 characters between spaces', '   ab   '],
  ['2 characters that are 4 units', '🧬🔬'],
  ['51 characters', 'x'.repeat(51)],
  ['a line break inside', 'ab\ncd'],
  ['a line separator inside', 'ab\u2028cd'],
  ['a C1 control inside', 'ab\u009b31mcd'],
  ['an override of direction', 'ab\u202ecd'],
  ['a space of no width', 'ad\u200bmin'],
  ['nothing that can be seen', '\u200b\u2060\u200b'],
  ['no text', 12_345],
  ['null', null],
])('a username of %s is 422', async (_, username) => {
  const { status, body } = await register({ username })
  expect([status, body.data?.errors[0].field]).toEqual([422, 'username'])
})

test.each([
  ['8 characters', 'pass8chr'],
  ['256 characters', 'p'.repeat(256)],
  ['8 characters outside the basic plane', '🔑'.repeat(8)],
  ['256 of them', '🔑'.repeat(256)],
  ['spaces and control characters', ' \t\u0000\u001b \n  x '],
])('a password of %s is taken, and logs in whole', async (_, password) => {
  const username = `keyholder ${++people}`
  expect((await register({ username, password })).status).toBe(201)
  const login = (password: string) =>
    app.call('POST', '/api/v1/auth/login', { json: { username, password } })
  expect((await login(password)).status).toBe(200)
  expect((await login(password.slice(0, -1))).status).toBe(401)
})

test.each([
  ['7 characters', 'pass7ch'],
  ['7 characters that are 14 units', '🔑'.repeat(7)],
  ['257 characters', 'p'.repeat(257)],
  ['no text', 1_234_567_890],
  ['the username inside', 'my SOMEONE ELSE!'],
])('a password of %s is 422', async (_, password) => {
  const { status, body } = await register({ username: 'someone else', password })
  expect([status, body.data?.errors[0].field]).toEqual([422, 'password'])
})

test.each([
  'plain',
  'a@b',
  'a b@example.org',
  '@example.org',
  `${'a'.repeat(65)}@example.org`,
  `a@${'b'.repeat(64)}.org`,
  `a@${'b'.repeat(64)}.example.org`,
  `a@example.${'c'.repeat(64)}`,
  `a@${'d.'.repeat(125)}org`,
  '',
])('the email "%s" is 422', async (email) => {
  const { status, body } = await register({ email })
  expect([status, body.data?.errors[0].field]).toEqual([422, 'email'])
})

test.each([
  `${'a'.repeat(64)}@example.org`,
  `b@${'b'.repeat(63)}.org`,
  `c@example.${'c'.repeat(63)}`,
  `d@${'d.'.repeat(124)}info`,
])('the email "%s" is as long as one may be', async (email) => {
  expect((await register({ email })).status).toBe(201)
})

test('security 21: unknown fields are 422, and no account comes of it', async () => {
  for (const field of ['is_active', 'is_admin', 'id', 'password_hash', 'display_name']) {
    const username = `with ${field}`
    expect((await register({ username, [field]: true })).status).toBe(422)
    expect(await app.sql`select from users where username = ${username}`).toHaveLength(0)
  }
})

test.each([
  ['username', 'Grace Hopper', 'gRACE hOPPER'],
  ['username', 'Straße', 'STRASSE'],
  ['username', 'Ὀδυσσεύς', 'ὈΔΥΣΣΕΎΣ'],
  ['username', 'Zoe\u0308', 'zoë'],
  ['email', 'grace@example.org', 'GRACE@EXAMPLE.ORG'],
])('a %s that is taken as %s is 409 as %s', async (field, first, second) => {
  expect((await register({ [field]: first })).status).toBe(201)
  const again = await register({ [field]: second })
  expect([again.status, again.body]).toEqual([
    409,
    { success: false, error: 'Conflict', message: `The ${field} is taken` },
  ])
})

test('names that differ in case alone have one key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const key = caseless(name)
      expect(caseless(name.toUpperCase())).toBe(key)
      expect(caseless(name.toLowerCase())).toBe(key)
      expect(caseless(key)).toBe(key)
    }),
    {
      numRuns: 2000,
      examples: [['Straße'], ['ẞ'], ['ΟΔΟΣ'], ['οδος'], ['ΐ'], ['ŉ'], ['İ'], ['ﬃ']],
    },
  )
})

test('twenty identical registrations at once give one 201 and nineteen 409', async () => {
  const json = { username: 'everybody', email: 'everybody@example.org' }
  const statuses = (await Promise.all(Array.from({ length: 20 }, () => register(json)))).map(
    ({ status }) => status,
  )
  expect(statuses.toSorted()).toEqual([201, ...Array.from({ length: 19 }, () => 409)])
})
