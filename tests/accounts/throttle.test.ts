import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test'
import { parseList } from 'structured-headers'
import { memoryLimits } from '../../src/limits.ts'
import { type Answer, type TestApp, testApp, type User } from '../kit/app.ts'

const clock = { now: 0 }
const QUARTER = 15 * 60_000

let app: TestApp
let user: User
beforeAll(async () => {
  app = await testApp({ limits: memoryLimits(() => clock.now) })
})
beforeEach(async () => {
  // What an earlier test has counted is forgotten.
  clock.now += QUARTER
  user = await app.user()
})
afterAll(() => app.close())

const login = (username: string, password: string, from = '127.0.0.1') =>
  app.call('POST', '/api/v1/auth/login', { json: { username, password }, from })
const rightly = (from = '127.0.0.1') => login(user.username, user.password, from)
const wrongly = (from = '127.0.0.1') => login(user.username, 'not the password', from)

/** How often each status came. */
async function statuses(count: number, call: (at: number) => Promise<Answer>) {
  const counts: Record<number, number> = {}
  for (let at = 0; at < count; at++) {
    const { status } = await call(at)
    counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}
const address = (at: number) => `198.51.${at >> 8}.${at & 255}`

test('security 15: a wrong password is refused ten times from one address, then none is looked at', async () => {
  expect(await statuses(100, () => wrongly())).toEqual({ 401: 10, 429: 90 })
  // The right one is not looked at either: it would tell which one is right.
  const refused = await rightly()
  expect([refused.status, refused.headers.get('retry-after'), refused.body]).toEqual([
    429,
    '900',
    {
      success: false,
      error: 'Too Many Requests',
      message: 'Too many failed attempts',
      data: { retry_after: 900 },
    },
  ])
})

test('security 15: it is over when it says, and refused attempts do not prolong it', async () => {
  await statuses(10, () => wrongly())
  clock.now += QUARTER - 1000
  const refused = await wrongly()
  expect([refused.status, refused.body.data.retry_after]).toEqual([429, 1])
  clock.now += 1000
  expect((await rightly()).status).toBe(200)
})

test('security 15: a hundred wrong passwords from a hundred addresses are stopped at thirty', async () => {
  expect(await statuses(100, (at) => wrongly(address(at)))).toEqual({ 401: 30, 429: 70 })
})

test('an attempt that one count refuses is kept in no other', async () => {
  await statuses(30, (at) => wrongly(address(at)))
  clock.now += QUARTER - 1000
  expect(await statuses(10, () => wrongly('203.0.113.6'))).toEqual({ 429: 10 })
  clock.now += 1000
  expect((await rightly('203.0.113.6')).status).toBe(200)
})

test('security 15: strangers do not lock the owner out where the owner has logged in before', async () => {
  const home = '203.0.113.7'
  expect((await rightly(home)).status).toBe(200)
  await statuses(31, (at) => wrongly(address(at)))
  expect((await rightly('203.0.113.8')).status).toBe(429)
  expect((await rightly(home)).status).toBe(200)
  // Whoever sits there has ten tries as well, and no more.
  expect(await statuses(12, () => wrongly(home))).toEqual({ 401: 10, 429: 2 })
})

/** An IPv6 client has a /64 to choose from. */
const site = (at: number) => `2001:db8:0:1::${at.toString(16)}`

test('security 15: the addresses of one IPv6 site count as one', async () => {
  expect(await statuses(12, (at) => wrongly(site(at)))).toEqual({ 401: 10, 429: 2 })
})

test('security 15: one site that tries many accounts is stopped at a hundred', async () => {
  const spray = (at: number) => login(`somebody ${at}`, 'not the password', site(at))
  expect(await statuses(102, spray)).toEqual({ 401: 100, 429: 2 })
  expect((await rightly(site(1))).status).toBe(429)
  expect((await rightly('2001:db8:0:2::1')).status).toBe(200)
}, 20_000)

test('security 14: an unknown user is throttled as a known one', async () => {
  const known = await statuses(12, () => wrongly())
  expect(await statuses(12, () => login('nobody at all', 'not the password'))).toEqual(known)
  const from = (at: number) => address(500 + at)
  const wide = await statuses(32, (at) => wrongly(from(at)))
  expect(wide).toEqual({ 401: 20, 429: 12 })
  expect(await statuses(32, (at) => login('nobody at all', 'not it', from(at)))).toEqual(wide)
})

/** What the fields of an answer say of each policy: its limit and window, what is left, and in how many seconds more is. */
const said = ({ headers }: Answer) => {
  const left = new Map(parseList(headers.get('ratelimit') ?? ''))
  return Object.fromEntries(
    parseList(headers.get('ratelimit-policy') ?? '').map(([name, policy]) => [
      name,
      { ...Object.fromEntries(policy), ...Object.fromEntries(left.get(name) ?? []) },
    ]),
  )
}

test('a login says how many attempts are left for that name and for any from its address', async () => {
  const standing = (login: number, address: number, t = 900) => ({
    login: { q: 10, w: 900, r: login, t },
    'login-address': { q: 100, w: 900, r: address, t },
  })
  expect(said(await rightly())).toEqual(standing(10, 100))
  expect(said(await wrongly())).toEqual(standing(9, 99))
  clock.now += 10_000
  expect(said(await wrongly())).toEqual(standing(8, 98, 890))
  // A success counts for nothing, and forgets nothing.
  expect(said(await rightly())).toEqual(standing(8, 98, 890))
  await statuses(8, () => wrongly())
  expect(said(await wrongly())).toEqual({ login: { q: 10, w: 900, r: 0, t: 890 } })
  expect(said(await login('another', 'x')).login).toMatchObject({ r: 9 })
})

test('security 14: what is left of the attempts tells nothing of an account, nor of what others do to it', async () => {
  const probe = async (name: string) => {
    const answers = [await login(name, 'x', '203.0.113.20'), await login(name, 'x', '203.0.113.20')]
    return answers.map((answer) => said(answer).login)
  }
  const home = '203.0.113.21'
  await rightly(home)
  await statuses(5, (at) => wrongly(address(700 + at)))
  await wrongly(home)
  const known = await probe(user.username)
  expect(known).toMatchObject([{ r: 9 }, { r: 8 }])
  expect(await probe(`${user.username}@example.org`)).toEqual(known)
  expect(await probe('nobody at all')).toEqual(known)
  // Refused for what others did, it shows what this address has left.
  await statuses(31, (at) => wrongly(address(800 + at)))
  const refused = await wrongly('203.0.113.22')
  expect([refused.status, Object.keys(said(refused)), said(refused).login]).toMatchObject([
    429,
    ['login'],
    { r: 10 },
  ])
})

test('a name is the same in any case and with spaces around it', async () => {
  await statuses(10, (at) =>
    login(at % 2 ? user.username.toUpperCase() : ` ${user.username} `, 'x'),
  )
  expect((await wrongly()).status).toBe(429)
})

test('security 15: a hundred at once are as many as one after the other', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, () => wrongly()))
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(90)
})

test('a login that succeeds counts for nothing, and takes back no failure', async () => {
  expect(await statuses(9, () => wrongly())).toEqual({ 401: 9 })
  expect(await statuses(12, () => rightly())).toEqual({ 200: 12 })
  expect(await statuses(2, () => wrongly())).toEqual({ 401: 1, 429: 1 })
})

test('many at once that succeed are not taken for failures', async () => {
  const logins = await Promise.all(Array.from({ length: 20 }, () => rightly()))
  expect(logins.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const register = (at: number) => {
    const json = {
      username: `one of many ${at}`,
      email: `m${at}@example.org`,
      password: 'long enough',
    }
    return app.call('POST', '/api/v1/auth/register', { json })
  }
  const made = await Promise.all(Array.from({ length: 52 }, (_, at) => register(at)))
  expect(made.map(({ status }) => status)).toEqual(Array(52).fill(201))
})

test('what the service itself fails at counts for nothing', async () => {
  await app.sql`alter table users rename to gone`
  expect(await statuses(20, () => rightly())).toEqual({ 500: 20 })
  await app.sql`alter table gone rename to users`
  expect((await rightly()).status).toBe(200)
})

test.each([
  ['/api/v1/auth/password', { current_password: 'x', new_password: 'quite another sentence' }],
  ['/api/v1/auth/deactivate', { password: 'x' }],
])('wrong passwords at %s are throttled as at a login', async (path, json) => {
  const call = () => app.call('POST', path, { bearer: user.jwt, json })
  expect(await statuses(12, call)).toEqual({ 403: 10, 429: 2 })
  clock.now += QUARTER
  expect((await call()).status).toBe(403)
})

test('who has a stolen access token cannot keep its owner from a new password', async () => {
  const json = { current_password: user.password, new_password: 'quite another sentence' }
  const change = (from: string, current_password = user.password) =>
    app.call('POST', '/api/v1/auth/password', {
      bearer: user.jwt,
      from,
      json: { ...json, current_password },
    })
  expect(await statuses(32, (at) => change(address(at), 'not it'))).toEqual({ 403: 30, 429: 2 })
  expect((await change('203.0.113.12')).status).toBe(429)
  // Where the owner has logged in.
  expect((await change('127.0.0.1')).status).toBe(200)
})

test('names that are taken are told to one address fifty times, and those that are free count for nothing', async () => {
  const { username } = user
  const register = (name: string, from = '203.0.113.10') => {
    const json = { username: name, email: `${name}@example.com`, password: 'a long enough one' }
    return app.call('POST', '/api/v1/auth/register', { json, from })
  }
  expect(await statuses(5, (at) => register(`newcomer-${at}`))).toEqual({ 201: 5 })
  expect(await statuses(52, () => register(username))).toEqual({ 409: 50, 429: 2 })
  expect((await register('nobody-yet')).status).toBe(429)
  expect((await register('nobody-yet', '203.0.113.11')).status).toBe(201)
  clock.now += QUARTER
  expect((await register('newcomer')).status).toBe(201)
}, 20_000)
