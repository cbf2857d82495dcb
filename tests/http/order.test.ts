import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type Call, type TestApp, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const json = { 'content-type': 'application/json' }
const id = crypto.randomUUID()
const BODIES: [string, string, string][] = [
  ['POST', '/api/v1/tokens', 'none'],
  ['PUT', `/api/v1/tokens/${id}/allowed-ips`, 'none'],
  ['POST', '/api/v1/workspaces', 'workspaces:write'],
  ['PUT', `/api/v1/workspaces/${id}/settings`, 'workspaces:admin'],
  ['PUT', '/api/v1/users/me', 'users:write'],
]
const BAD: [string, Call][] = [
  ['malformed JSON', { body: '{', headers: json }],
  ['the wrong content type', { body: 'a=1' }],
  ['unknown fields', { json: { is_admin: true } }],
  ['more than a megabyte', { body: ' '.repeat(2 ** 20 + 1), headers: json }],
]
const CASES = BODIES.flatMap(([method, path]) =>
  BAD.map(([what, call]): [string, string, string, Call] => [method, path, what, call]),
)

test.each(CASES)(
  'security 4: %s %s with %s is 401 without a credential',
  async (method, path, _, call) => {
    const none = await app.call(method, path, call)
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^Bearer realm="[^"]+"$/),
    ])
    const wrong = await app.call(method, path, { ...call, bearer: 'nonsense' })
    expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ])
    expect(wrong.body.data).toBeUndefined()
  },
)

test.each([
  '/api/v1/tokens?limit=none',
  `/api/v1/tokens/${id}/logs?limit=-1&from=yesterday`,
  '/api/v1/workspaces?cursor=%00',
  '/api/v1/fcs/events?limit=0&file_id=nothing',
  '/api/v1/tokens/not-an-id',
])('security 4: GET %s is 401 without a credential', async (path) => {
  expect((await app.call('GET', path)).status).toBe(401)
})

test('the scope is checked before the body, and the body before anything is done', async () => {
  const weak = await app.token(user, ['workspaces:read'])
  const strong = await app.token(user, ['workspaces:write'])
  const call = { body: '{', headers: json }
  const statuses = [weak, strong].map(async ({ token }) => {
    const { status } = await app.call('POST', '/api/v1/workspaces', { ...call, bearer: token })
    return status
  })
  expect(await Promise.all(statuses)).toEqual([403, 400])
  expect(await app.sql`select from workspaces`).toHaveLength(0)
})

test('security 4: a body is not asked for a byte before its credential is found good', async () => {
  let pulled = 0
  const body = () =>
    new ReadableStream(
      {
        pull(controller) {
          pulled++
          controller.enqueue(new Uint8Array(65_536))
          if (pulled === 64) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
  for (const path of [
    '/api/v1/workspaces',
    '/api/v1/tokens',
    '/api/v1/fcs/upload?filename=a.fcs',
  ]) {
    expect((await app.call('POST', path, { body: body(), headers: json })).status).toBe(401)
  }
  expect(pulled).toBe(0)
})

test('a JSON body is refused at a megabyte, whatever its length says', async () => {
  let sent = 0
  const body = new ReadableStream({
    pull(controller) {
      sent += 65_536
      controller.enqueue(new Uint8Array(65_536).fill(32))
      if (sent === 2 ** 23) controller.close()
    },
  })
  const { status } = await app.call('POST', '/api/v1/auth/login', { body, headers: json })
  expect(status).toBe(413)
  expect(sent).toBeLessThan(2 ** 21)
})
