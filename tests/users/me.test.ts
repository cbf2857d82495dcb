import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let token: Token
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['users:write'])
})
afterAll(() => app.close())

const me = '/api/v1/users/me'
const change = (json: unknown, bearer = token.token) => app.call('PUT', me, { bearer, json })
const row = async () => (await app.sql`select * from users where id = ${user.id}`)[0]

test('who owns the token is shown without anything of the password', async () => {
  const { token: reader } = await app.token(user, ['users:read'])
  const { status, body } = await app.call('GET', me, { bearer: reader })
  expect([status, body.data]).toEqual([
    200,
    {
      endpoint: me,
      method: 'GET',
      required_scope: 'users:read',
      granted_by: 'users:read',
      your_scopes: ['users:read'],
      user: {
        id: user.id,
        username: user.username,
        email: `${user.username}@example.org`,
        display_name: null,
        created_at: expect.stringMatching(/Z$/),
      },
    },
  ])
})

test('each given field is changed and no other', async () => {
  const named = await change({ display_name: ' Zoë 🧬 ' })
  expect([named.status, named.body.data]).toMatchObject([
    200,
    {
      method: 'PUT',
      required_scope: 'users:write',
      granted_by: 'users:write',
      user: { display_name: 'Zoë 🧬', email: `${user.username}@example.org` },
    },
  ])
  const moved = await change({ email: 'New@Example.org' })
  expect(moved.body.data.user).toMatchObject({ display_name: 'Zoë 🧬', email: 'New@Example.org' })
  const cleared = await change({ display_name: null })
  expect(cleared.body.data.user).toMatchObject({ display_name: null, email: 'New@Example.org' })
  const same = await change({})
  expect([same.status, same.body.data.user]).toEqual([200, cleared.body.data.user])
})

test('the new email logs in, and the old one no longer does', async () => {
  const login = async (username: string) => {
    const json = { username, password: user.password }
    return (await app.call('POST', '/api/v1/auth/login', { json })).status
  }
  await change({ email: 'first@example.org' })
  await change({ email: 'second@example.org' })
  expect([await login('SECOND@example.org'), await login('first@example.org')]).toEqual([200, 401])
})

test('an email that another has, in any case, is 409 and changes nothing', async () => {
  const other = await app.user()
  const before = await row()
  const taken = await change({ email: `${other.username}@EXAMPLE.org`, display_name: 'x' })
  expect([taken.status, taken.body.message]).toEqual([409, 'The email is taken'])
  expect(await row()).toEqual(before)
})

test("one's own email in another case is no conflict", async () => {
  await change({ email: 'own@example.org' })
  const { status, body } = await change({ email: 'OWN@example.org' })
  expect([status, body.data.user.email]).toEqual([200, 'OWN@example.org'])
})

test.each([
  ['email', 'not an address'],
  ['email', null],
  ['email', ''],
  ['email', `${'a'.repeat(65)}@example.org`],
  ['display_name', ''],
  ['display_name', 'x'.repeat(101)],
  ['display_name', 'a\nb'],
  ['display_name', 7],
])('%s %p is 422 and changes nothing', async (field, value) => {
  const before = await row()
  const { status, body } = await change({ [field]: value })
  expect([status, body.data.errors[0].field]).toEqual([422, field])
  expect(await row()).toEqual(before)
})

test('security 21: unknown fields are 422, and the row is unchanged', async () => {
  const before = await row()
  for (const field of ['id', 'username', 'is_active', 'is_admin', 'password', 'password_hash']) {
    const json = { display_name: 'changed', [field]: 'x' }
    expect([field, (await change(json)).status]).toEqual([field, 422])
  }
  expect(await row()).toEqual(before)
})
