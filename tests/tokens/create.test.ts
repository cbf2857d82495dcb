import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const create = (json: unknown) => app.call('POST', '/api/v1/tokens', { bearer: user.jwt, json })
const DAY = 24 * 60 * 60 * 1000
const lifetime = (data: { created_at: string; expires_at: string }) =>
  (Date.parse(data.expires_at) - Date.parse(data.created_at)) / DAY

test('a token is shown whole once, with what it may do, for thirty days from anywhere', async () => {
  const { status, body, headers } = await create({ name: '  lab robot ', scopes: ['fcs:read'] })
  expect(status).toBe(201)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(body).toEqual({
    success: true,
    data: {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'lab robot',
      token: expect.stringMatching(/^pat_[0-9A-Za-z]{36}$/),
      token_prefix: body.data.token.slice(0, 12),
      scopes: ['fcs:read'],
      allowed_ips: null,
      rate_limit_per_minute: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      expires_at: expect.stringMatching(/Z$/),
    },
  })
  expect(lifetime(body.data)).toBe(30)
})

test('create and regenerate answer with the fields of the quick start, in its order', async () => {
  const made = await create({ name: 'x', scopes: ['fcs:read'] })
  const at = `/api/v1/tokens/${made.body.data.id}`
  const again = await app.call('POST', `${at}/regenerate`, { bearer: user.jwt })
  for (const { body } of [made, again]) {
    expect(Object.keys(body.data)).toEqual([
      ...['id', 'name', 'token', 'token_prefix', 'scopes', 'allowed_ips'],
      'rate_limit_per_minute',
      ...['created_at', 'expires_at'],
    ])
  }
  const { body } = await app.call('GET', `${at}/logs`, { bearer: user.jwt })
  expect(Object.keys(body.data)).toEqual([
    ...['token_id', 'token_name', 'total_logs', 'limit', 'offset', 'next_cursor', 'logs'],
  ])
})

test.each([1, 2, 30, 150, 200, 300, 365])(
  'expires_in_days of %i is as many times 24 hours, where clocks change too',
  async (days) => {
    // For every connection that comes after, and for this one.
    await app.sql.unsafe(`do $$ begin
      execute format('alter database %I set timezone to %L', current_database(), 'America/New_York');
      set timezone to 'America/New_York'; end $$`)
    const { status, body } = await create({
      name: 'x',
      scopes: ['fcs:read'],
      expires_in_days: days,
    })
    expect(status).toBe(201)
    expect(lifetime(body.data)).toBe(days)
  },
)

test('scopes are folded', async () => {
  const scopes = ['users:read', 'fcs:write', 'users:read', 'fcs:write', 'fcs:write']
  const { status, body } = await create({ name: 'x', scopes })
  expect(status).toBe(201)
  expect(body.data.scopes.toSorted()).toEqual(['fcs:write', 'users:read'])
})

test('a name has up to 100 characters, each counted once', async () => {
  for (const name of ['x', '🧫'.repeat(100), `  ${'é'.repeat(100)}  `]) {
    const { status, body } = await create({ name, scopes: ['fcs:read'] })
    expect([status, body.data.name]).toEqual([201, name.trim()])
  }
})

const good = { name: 'x', scopes: ['fcs:read'] }
const bad: [string, unknown, string][] = [
  ['security 8: a scope that is none', { ...good, scopes: ['fcs:bogus'] }, 'scopes'],
  ['security 8: a scope in capitals', { ...good, scopes: ['FCS:READ'] }, 'scopes'],
  ['security 8: a wildcard', { ...good, scopes: ['workspaces:*'] }, 'scopes'],
  ['security 8: __proto__ as a scope', { ...good, scopes: ['__proto__'] }, 'scopes'],
  ['security 8: a scope with a space', { ...good, scopes: ['fcs:read '] }, 'scopes'],
  ['security 8: scopes as one text', { ...good, scopes: 'fcs:read' }, 'scopes'],
  ['security 8: scopes in scopes', { ...good, scopes: [['fcs:read']] }, 'scopes'],
  ['security 8: a thousand scopes', { ...good, scopes: Array(1000).fill('fcs:read') }, 'scopes'],
  ['security 8: a thousand bad scopes', { ...good, scopes: Array(1000).fill('x') }, 'scopes'],
  ['security 8: no scopes', { ...good, scopes: [] }, 'scopes'],
  ['no scopes field', { name: 'x' }, 'scopes'],
  ['no name', { scopes: ['fcs:read'] }, 'name'],
  ['a blank name', { ...good, name: '   ' }, 'name'],
  ['a name of 101', { ...good, name: 'é'.repeat(101) }, 'name'],
  ['a name of a megabyte', { ...good, name: 'n'.repeat(900_000) }, 'name'],
  ['a name with NUL', { ...good, name: 'a\0b' }, 'name'],
  ['a name with a line break', { ...good, name: 'a\nb' }, 'name'],
  ['a name with half of a pair', { ...good, name: 'a\ud800b' }, 'name'],
  ['a name that is a number', { ...good, name: 7 }, 'name'],
  ['no days', { ...good, expires_in_days: 0 }, 'expires_in_days'],
  ['366 days', { ...good, expires_in_days: 366 }, 'expires_in_days'],
  ['a day and a half', { ...good, expires_in_days: 1.5 }, 'expires_in_days'],
  ['days as text', { ...good, expires_in_days: '30' }, 'expires_in_days'],
  ['more days than can be counted', { ...good, expires_in_days: 1e20 }, 'expires_in_days'],
  ['days as null', { ...good, expires_in_days: null }, 'expires_in_days'],
  ['security 21: a user_id', { ...good, user_id: 'x' }, 'body'],
  ['security 21: a token of one’s own', { ...good, token: 'pat_x' }, 'body'],
  ['a list for a body', [good], 'body'],
]

test.each(bad)('%s is 422, which names the field and makes no token', async (_, json, field) => {
  const before = await app.sql`select count(*) from tokens`
  const { status, body, text } = await create(json)
  expect(status).toBe(422)
  expect(body.error).toBe('Unprocessable Entity')
  for (const { field: named, rule } of body.data.errors) {
    expect(named.split('.')[0]).toBe(field)
    // In our words, not the validator's.
    expect(rule).toMatch(/^(?!.*(invalid|expected|received)).+/i)
  }
  expect(text.length).toBeLessThan(4000)
  expect([...(await app.sql`select count(*) from tokens`)]).toEqual([...before])
})

test('a 422 does not repeat what was sent', async () => {
  const { text } = await create({ ...good, name: 7, scopes: ['hunter2'], allowed_ips: ['hunter3'] })
  expect(text).not.toContain('hunter')
})
