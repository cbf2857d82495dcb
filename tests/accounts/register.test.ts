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
  ['letters and their marks apart', 'Zoe\u0308 Nguye\u0302\u0303n'],
  ['vowel signs and letters that are joined', 'क्षत्रिय கண்ணன் مريم'],
  ['punctuation and signs', "o'brien-42 @ λ+½ (日本)"],
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
  ['marks alone', '\u0301\u0301\u0301'],
  ['a mark with nothing to stand on', ' \u0301abc'],
  ['two spaces in a row', 'ab  cd'],
  ['no text', 12_345],
  ['null', null],
])('a username of %s is 422', async (_, username) => {
  const { status, body } = await register({ username })
  expect([status, body.data?.errors[0].field]).toEqual([422, 'username'])
})

const LETTERS = [...'aZß9-ωЖ中あ한ا🧬']
const UNSEEN = [
  // Formats: joiners, marks of direction, invisible operators, tags.
  'ad 61c 180e 200b-200f 202a-202e 2060-206f feff fff9-fffb e0001 e0020-e007f',
  // Shown by nothing without being a format: fillers and selectors; and an empty cell of braille.
  '34f 115f-1160 17b4-17b5 180b-180d 3164 ffa0 fe00-fe0f e0100-e01ef 2800',
  // Blanks.
  '9-d 85 a0 1680 2000-200a 2028-2029 202f 205f 3000',
  // Controls, private use, what is unassigned and what is no character.
  '0-8 7f-84 e000-f8ff f0000-ffffd 378 fdd0-fdef fffe-ffff',
].flatMap((ranges) =>
  ranges.split(' ').map((range) => range.split('-').map((point) => Number.parseInt(point, 16))),
)

test('no username differs from another by what nobody sees', async () => {
  const unseen = fc
    .constantFrom(...UNSEEN)
    .chain(([min = 0, max = min]) => fc.integer({ min, max }))
    .map((point) => String.fromCodePoint(point))
  const part = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 2, maxLength: 9 })
  await fc.assert(
    fc.asyncProperty(
      part,
      fc.array(unseen, { minLength: 1, maxLength: 3 }),
      part,
      async (...given) => {
        const { status, body } = await register({ username: given.flat().join('') })
        expect([status, body.data.errors[0].field]).toEqual([422, 'username'])
      },
    ),
    { numRuns: 500 },
  )
})

test('who has such a name from before still logs in by it', async () => {
  const { body } = await register({ username: 'from before' })
  const [username, key] = ['می\u200cخواهم', caseless('می\u200cخواهم')]
  await app.sql`
    update users set username = ${username}, username_key = ${key} where id = ${body.data.id}`
  const json = { username, password: PASSWORD }
  expect((await app.call('POST', '/api/v1/auth/login', { json })).status).toBe(200)
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
