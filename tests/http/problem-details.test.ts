import { afterAll, beforeAll, expect, test } from 'bun:test'
import { PROBLEM_TYPES } from '../../src/problems/types.ts'
import { type Call, type TestApp, testApp } from '../kit/app.ts'

const PROBLEM = 'application/problem+json'
const json = { 'content-type': 'application/json' }

let app: TestApp
let username: string
let page: string
beforeAll(async () => {
  app = await testApp({
    tokenRateLimitPerMinute: 1,
    pendingMigrations: () => Promise.reject(new Error('no database')),
  })
  username = (await app.user()).username
  page = (await app.call('GET', '/docs/problems')).text
})
afterAll(() => app.close())

/** A token that may be used once. */
const fresh = async (scope: 'users:read' | 'workspaces:read') =>
  (await app.token(await app.user(), [scope])).token
const registration = () => ({ username, email: 'other@example.org', password: 'a long enough one' })
const FAILURES: [number, string, string, () => Call | Promise<Call>][] = [
  [400, 'POST', '/api/v1/auth/login', () => ({ body: '{', headers: json })],
  [401, 'GET', '/api/v1/users/me', () => ({ bearer: 'wrong' })],
  [403, 'GET', '/api/v1/workspaces', async () => ({ bearer: await fresh('users:read') })],
  [404, 'GET', '/nothing', () => ({})],
  [405, 'DELETE', '/health', () => ({})],
  [409, 'POST', '/api/v1/auth/register', () => ({ json: registration() })],
  [413, 'POST', '/api/v1/auth/login', () => ({ body: ' '.repeat(2 ** 20 + 1) })],
  [415, 'POST', '/api/v1/auth/login', () => ({ body: 'a' })],
  [422, 'POST', '/api/v1/auth/login', () => ({ json: {} })],
  [
    429,
    'GET',
    '/api/v1/users/me',
    async () => {
      const bearer = await fresh('users:read')
      await app.call('GET', '/api/v1/users/me', { bearer })
      return { bearer }
    },
  ],
  [
    500,
    'GET',
    '/api/v1/workspaces',
    async () => {
      await app.sql`alter table if exists workspaces rename to moved_away`
      return { bearer: await fresh('workspaces:read') }
    },
  ],
  [503, 'GET', '/ready', () => ({})],
]

/** The same failure in both forms, each as it was answered. */
async function bothForms(method: string, path: string, call: () => Call | Promise<Call>) {
  const [plain, asked] = [await call(), await call()]
  return [
    await app.call(method, path, plain),
    await app.call(method, path, { ...asked, headers: { ...asked.headers, accept: PROBLEM } }),
  ] as const
}

test.each(FAILURES)('a %i is a problem to who asks for one: %s %s', async (...failure) => {
  const [status, method, path, call] = failure
  const [plain, asked] = await bothForms(method, path, call)
  const { error, message, data } = plain.body
  const { type, title, status: said, detail, instance, ...members } = asked.body
  expect([plain.status, asked.status, said]).toEqual([status, status, status])
  expect([plain.headers.get('content-type'), asked.headers.get('content-type')]).toEqual([
    'application/json;charset=utf-8',
    PROBLEM,
  ])
  expect(title).toBe(error)
  // The message of a 500 names its request.
  if (status !== 500) expect(detail).toEqual(message)
  expect(members).toEqual(data ?? {})
  expect(instance).toBe(asked.headers.get('x-request-id'))
  const [where, anchor] = type.split('#')
  expect(where).toBe('/docs/problems')
  expect(page).toContain(`<h2 id="${anchor}">${title}</h2>`)
})

test.each(FAILURES)('a %i keeps its headers in that form: %s %s', async (...failure) => {
  const [, method, path, call] = failure
  const [plain, asked] = await bothForms(method, path, call)
  const namesOf = ({ headers }: typeof plain) => [...headers.keys()].sort()
  expect(namesOf(asked)).toEqual(namesOf(plain))
  expect(asked.headers.get('www-authenticate')).toBe(plain.headers.get('www-authenticate'))
  expect(asked.headers.get('allow')).toBe(plain.headers.get('allow'))
})

test.each([
  [PROBLEM, true],
  ['APPLICATION/Problem+JSON', true],
  [`application/json, ${PROBLEM}`, true],
  [`application/json;q=0.5, ${PROBLEM};q=0.6`, true],
  [`text/csv, ${PROBLEM};q=0.1`, true],
  [`${PROBLEM}, */*;q=0.5`, true],
  [`application/json, ${PROBLEM};q=0.9`, false],
  [`${PROBLEM};q=0.4, */*;q=0.5`, false],
  [`${PROBLEM};q=0`, false],
  ['application/json', false],
  ['application/*', false],
  ['*/*', false],
  ['application/problem+xml', false],
  ['', false],
])('Accept: %s asks for a problem: %p', async (accept, wanted) => {
  const { headers, body } = await app.call('GET', '/nothing', { headers: { accept } })
  expect(headers.get('content-type')).toBe(wanted ? PROBLEM : 'application/json;charset=utf-8')
  expect('success' in body).toBe(!wanted)
})

test('a success is what it always is', async () => {
  const { status, headers, body } = await app.call('GET', '/', { headers: { accept: PROBLEM } })
  expect([status, body.success]).toEqual([200, true])
  expect(headers.get('content-type')).toStartWith('application/json')
})

test('HEAD is told the form and gets no body', async () => {
  const { status, headers, text } = await app.call('HEAD', '/api/v1/users/me', {
    headers: { accept: PROBLEM },
  })
  expect([status, headers.get('content-type'), text.startsWith('{"success"')]).toEqual([
    401,
    PROBLEM,
    false,
  ])
})

test('the page of problems has every type once, under the policy of every page', async () => {
  const { status, headers, text } = await app.call('GET', '/docs/problems')
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  const anchors = [...text.matchAll(/id="([^"]+)"/g)].map(([, id]) => id ?? '')
  expect(anchors).toEqual(PROBLEM_TYPES.map(({ slug }) => slug))
  expect(new Set(anchors).size).toBe(anchors.length)
})
