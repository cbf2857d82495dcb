// No token is ever removed: revoked, expired, or left behind by its owner, it says whose the rows of the log are.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const use = async ({ token }: Token) => {
  const { status, body } = await app.call('GET', '/api/v1/users/me', { bearer: token })
  return [status, body.message]
}
const get = async (path: string) =>
  (await app.call('GET', `/api/v1/tokens${path}`, { bearer: user.jwt })).body.data

const ends: [string, string, (token: Token) => Promise<unknown>][] = [
  [
    'revoked',
    'Token revoked',
    ({ id }) => app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt }),
  ],
  [
    'expired',
    'Token expired',
    async ({ id }) => {
      await app.sql`
        update token_secrets set expires_at = now() - interval '400 days' where token_id = ${id}`
      await app.settled()
    },
  ],
]
test.each(ends)(
  'the log of a token that is %s still says which token it was, and what is tried with it',
  async (state, refusal, end) => {
    const token = await app.token(user, ['users:read'], { name: `once ${state}` })
    expect(await use(token)).toEqual([200, undefined])
    await end(token)
    expect(await use(token)).toEqual([401, refusal])
    const log = await get(`/${token.id}/logs`)
    expect([log.token_id, log.token_name, log.total_logs]).toEqual([token.id, `once ${state}`, 2])
    expect(log.logs).toMatchObject([
      { status_code: 401, authorized: false, reason: refusal },
      { status_code: 200, authorized: true },
    ])
    expect((await get(`?status=${state}`)).tokens).toMatchObject([{ id: token.id, status: state }])
  },
)

test('the string that was replaced is still told from an unknown one, in the same log', async () => {
  const token = await app.token(user, ['users:read'])
  await app.call('POST', `/api/v1/tokens/${token.id}/regenerate`, { bearer: user.jwt })
  expect(await use(token)).toEqual([401, 'Token revoked'])
  expect((await get(`/${token.id}/logs`)).logs).toMatchObject([{ reason: 'Token revoked' }])
})

test('the rows of a deactivated account name token and owner, and are theirs to read once it is active again', async () => {
  const token = await app.token(user, ['users:read'], { name: 'left behind' })
  expect(await use(token)).toEqual([200, undefined])
  const { status } = await app.call('POST', '/api/v1/auth/deactivate', {
    bearer: user.jwt,
    json: { password: user.password },
  })
  expect(status).toBe(200)
  expect(await use(token)).toEqual([401, 'Account is inactive'])

  const strangers = await app.sql`
    select from audit_log left join tokens on tokens.id = token_id left join users on users.id = user_id
    where username is null`
  expect(strangers).toHaveLength(0)
  const rows = await app.sql`
    select username, tokens.name, status_code from audit_log
    join tokens on tokens.id = token_id join users on users.id = user_id
    where token_id = ${token.id} order by at, audit_log.id`
  expect([...rows]).toEqual([
    { username: user.username, name: 'left behind', status_code: 200 },
    { username: user.username, name: 'left behind', status_code: 401 },
  ])

  await app.sql`update users set is_active = true where id = ${user.id}`
  const log = await get(`/${token.id}/logs`)
  expect([log.token_name, log.total_logs]).toEqual(['left behind', 2])
})
