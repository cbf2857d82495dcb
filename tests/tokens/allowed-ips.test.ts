import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let token: Token

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['users:read'])
})
afterAll(() => app.close())

const allow = (allowed_ips: unknown) =>
  app.call('PUT', `/api/v1/tokens/${token.id}/allowed-ips`, {
    bearer: user.jwt,
    json: { allowed_ips },
  })
const statusFrom = async (from: string | null) =>
  (await app.call('GET', '/api/v1/users/me', { bearer: token.token, from })).status

const bad: [string, unknown][] = [
  ['not-an-ip', ['not-an-ip']],
  ['three parts', ['1.2.3']],
  ['a leading zero, octal to some', ['010.0.0.1']],
  ['a leading zero in a mapped address', ['::ffff:010.0.0.1']],
  ['host bits', ['10.0.0.1/8']],
  ['host bits of IPv6', ['2001:db8::1/32']],
  ['host bits of a mapped block', ['::ffff:10.0.0.1/104']],
  ['33 bits', ['10.0.0.0/33']],
  ['129 bits', ['::/129']],
  ['negative bits', ['10.0.0.0/-1']],
  ['no bits behind the slash', ['10.0.0.0/']],
  ['two slashes', ['10.0.0.0/8/8']],
  ['hexadecimal', ['0x7f.0.0.1']],
  ['one number', ['2130706433']],
  ['a zone', ['fe80::1%eth0']],
  ['brackets', ['[::1]']],
  ['a port', ['10.0.0.1:80']],
  ['a wildcard', ['10.0.0.*']],
  ['a host name', ['localhost']],
  ['an empty text', ['']],
  ['NUL', ['10.0.0.1\0']],
  ['SQL', ["10.0.0.1'); drop table tokens; --"]],
  ['a number', [10]],
  ['a list in the list', [['10.0.0.1']]],
  ['an object', { 0: '10.0.0.1' }],
  ['a text', '10.0.0.1'],
  ['51 entries', Array.from({ length: 51 }, (_, i) => `10.0.0.${i}`)],
  ['one bad among good ones', ['10.0.0.0/8', '10.0.0.1/8']],
]

test.each(bad)(
  'security 9: %s is 422 and changes nothing, at creation too',
  async (_, allowed_ips) => {
    await allow(['192.0.2.7'])
    const changed = await allow(allowed_ips)
    expect(changed.status).toBe(422)
    expect(changed.body.data.errors[0].field).toStartWith('allowed_ips')
    const json = { name: 'x', scopes: ['fcs:read'], allowed_ips }
    expect((await app.call('POST', '/api/v1/tokens', { bearer: user.jwt, json })).status).toBe(422)
    const { body } = await app.call('GET', `/api/v1/tokens/${token.id}`, { bearer: user.jwt })
    expect(body.data.allowed_ips).toEqual(['192.0.2.7'])
  },
)

test('the list has to be named, and an empty one allows every address', async () => {
  const path = `/api/v1/tokens/${token.id}/allowed-ips`
  for (const json of [{}, { ips: [] }, { allowed_ips: [], name: 'x' }]) {
    expect((await app.call('PUT', path, { bearer: user.jwt, json })).status).toBe(422)
  }
  expect((await app.call('PUT', path, { bearer: user.jwt })).status).toBe(422)
  for (const none of [[], null]) {
    const { status, body } = await allow(none)
    expect([status, body.data.allowed_ips]).toEqual([200, null])
    expect(await statusFrom('203.0.113.9')).toBe(200)
    expect(await statusFrom(null)).toBe(200)
  }
})

test('fifty addresses and blocks of both kinds are kept in canonical text, each once', async () => {
  const given = [' 10.0.0.0/8 ', '2001:DB8:0:0::/32', '::FFFF:192.0.2.1', '10.0.0.0/8', '0.0.0.0/0']
  const { status, body } = await allow(given)
  expect(status).toBe(200)
  expect(body.data.allowed_ips).toEqual(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1', '0.0.0.0/0'])
  expect((await allow(Array.from({ length: 50 }, (_, i) => `10.0.0.${i}`))).status).toBe(200)
})

test.each([
  ['10.0.0.0/8', '10.1.2.3', 200],
  ['10.0.0.0/8', '::ffff:10.1.2.3', 200],
  ['10.0.0.0/8', '::ffff:a01:203', 200],
  ['::ffff:10.0.0.0/104', '10.1.2.3', 200],
  ['10.0.0.0/8', '11.0.0.0', 403],
  ['10.0.0.0/8', '::a01:203', 403],
  ['10.0.0.0/8', null, 403],
  ['192.0.2.1', '192.0.2.1', 200],
  ['192.0.2.1', '192.0.2.2', 403],
  ['2001:db8::/32', '2001:db8:ffff::1', 200],
  ['2001:db8::/32', '2001:db9::', 403],
  ['0.0.0.0/0', '198.51.100.1', 200],
  ['0.0.0.0/0', '2001:db8::1', 403],
  ['::/0', '198.51.100.1', 403],
  ['::/0', null, 403],
])('security 9: with %s allowed, a call from %s is %i', async (block, from, status) => {
  await allow(['192.0.2.99', block])
  expect(await statusFrom(from)).toBe(status)
})

test('a refusal by address does not show the list, nor the scopes', async () => {
  await allow(['192.0.2.99'])
  const call = { bearer: token.token, from: '198.51.100.1' }
  const { status, body, text } = await app.call('PUT', '/api/v1/users/me', call)
  expect(status).toBe(403)
  expect(body).toEqual({ success: false, error: 'Forbidden', message: 'IP address not allowed' })
  expect(text).not.toContain('192.0.2')
})

test('the next call after the answer meets the new list', async () => {
  for (let turn = 0; turn < 5; turn++) {
    await allow(['192.0.2.1'])
    expect(await statusFrom('127.0.0.1')).toBe(403)
    await allow(['127.0.0.1'])
    expect(await statusFrom('127.0.0.1')).toBe(200)
  }
})

const dotted = (bits: number) => [24, 16, 8, 0].map((by) => (bits >>> by) & 255).join('.')

test('a block of n bits allows just the addresses that begin with them', async () => {
  const differs = fc.integer({ min: 0, max: 31 })
  await fc.assert(
    fc.asyncProperty(fc.nat(0xffffffff), fc.nat(32), differs, async (address, length, at) => {
      const network = length === 0 ? 0 : address & (-1 << (32 - length))
      await allow([`${dotted(network)}/${length}`])
      expect(await statusFrom(dotted(address))).toBe(200)
      // The bit at `at` from the left is turned: outside of the block if that is one of the first n.
      expect(await statusFrom(dotted(address ^ (1 << (31 - at))))).toBe(at < length ? 403 : 200)
    }),
    { numRuns: 60 },
  )
})

test('any text is either refused or an address that works: never a 500, then or later', async () => {
  const part = fc.constantFrom(
    '0',
    '1',
    '10',
    '255',
    '256',
    'ffff',
    'DB8',
    '.',
    ':',
    '::',
    '/',
    '32',
    '128',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 12 }), async (parts) => {
      const { status } = await allow([parts.join('')])
      expect([200, 422]).toContain(status)
      if (status === 200) expect([200, 403]).toContain(await statusFrom('10.0.0.1'))
    }),
    { numRuns: 300 },
  )
})
