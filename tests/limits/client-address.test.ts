import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type TestApp, type Token, testApp } from '../kit/app.ts'

const PROXIES = ['10.0.0.0/8', '::ffff:172.16.0.0/108', '192.0.2.7', 'fd00::/8', '::ffff:192.0.2.8']

let behind: TestApp
let bare: TestApp
let tokens: [TestApp, Token][]
beforeAll(async () => {
  behind = await testApp({ trustedProxies: PROXIES })
  bare = await testApp()
  tokens = await Promise.all(
    [behind, bare].map(async (app): Promise<[TestApp, Token]> => {
      return [app, await app.token(await app.user(), ['users:read'])]
    }),
  )
})
afterAll(async () => {
  await behind.close()
  await bare.close()
})

/** The address that the audit has of one call. */
async function seen(app: TestApp, from: string | null, headers: Record<string, string>) {
  const token = tokens.find(([each]) => each === app)?.[1] ?? { id: '', token: '' }
  const { status } = await app.call('GET', '/api/v1/users/me', {
    bearer: token.token,
    from,
    headers,
  })
  expect(status).toBe(200)
  return (await app.auditOf(token.id)).at(-1)?.ip
}

const forwarded = (hops: string) => ({ 'x-forwarded-for': hops })

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  [null, null],
])('a caller at %s is %s', async (from, address) => {
  expect(await seen(bare, from, {})).toBe(address)
})

test.each([
  ['x-forwarded-for', '198.51.100.1'],
  ['x-real-ip', '198.51.100.1'],
  ['forwarded', 'for=198.51.100.1'],
  ['x-client-ip', '198.51.100.1'],
  ['cf-connecting-ip', '198.51.100.1'],
])('security 25: %s from who is no trusted proxy changes nothing', async (name, value) => {
  expect(await seen(bare, '10.0.0.1', { [name]: value })).toBe('10.0.0.1')
  expect(await seen(behind, '203.0.113.9', { [name]: value })).toBe('203.0.113.9')
})

test('security 25: an allow-list sees the address of the socket, whatever a client says of itself', async () => {
  const user = await bare.user()
  const { token: bearer } = await bare.token(user, ['users:read'], { allowed_ips: ['10.0.0.1'] })
  const statuses = ['x-forwarded-for', 'x-real-ip', 'forwarded'].map(async (name) => {
    const headers = { [name]: name === 'forwarded' ? 'for=10.0.0.1' : '10.0.0.1' }
    const call = { bearer, headers, from: '203.0.113.9' }
    return (await bare.call('GET', '/api/v1/users/me', call)).status
  })
  expect(await Promise.all(statuses)).toEqual([403, 403, 403])
})

test('security 25: behind a trusted proxy only X-Forwarded-For is believed', async () => {
  for (const name of ['x-real-ip', 'forwarded', 'x-client-ip']) {
    expect(await seen(behind, '10.0.0.1', { [name]: '198.51.100.1' })).toBe('10.0.0.1')
  }
})

test.each([
  ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['10.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
  ['10.0.0.1', '1.1.1.1,198.51.100.1 , 10.2.2.2,fd00::5', '198.51.100.1'],
  ['::ffff:10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
  ['172.16.9.9', '198.51.100.1', '198.51.100.1'],
  ['192.0.2.7', '198.51.100.1', '198.51.100.1'],
  ['192.0.2.8', '198.51.100.1', '198.51.100.1'],
  ['192.0.2.9', '198.51.100.1', '192.0.2.9'],
  ['fd00::1', '2001:db8::9', '2001:db8::9'],
  ['10.0.0.1', '10.3.3.3', '10.3.3.3'],
  ['10.0.0.1', '', '10.0.0.1'],
  ['10.0.0.1', '198.51.100.1, unknown', '10.0.0.1'],
  ['10.0.0.1', '198.51.100.1, 10.2.2.2.2', '10.0.0.1'],
  ['10.0.0.1', "198.51.100.1, ' or 1=1", '10.0.0.1'],
])(
  'security 25: from %s with X-Forwarded-For "%s" the client is %s',
  async (from, hops, client) => {
    expect(await seen(behind, from, forwarded(hops))).toBe(client)
  },
)

test('security 25: whatever a client puts in X-Forwarded-For, the hop that the proxy added counts', async () => {
  const lie = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[!-~]{0,12}$/))
  await fc.assert(
    fc.asyncProperty(fc.array(lie, { maxLength: 5 }), async (lies) => {
      const hops = [...lies, '198.51.100.1'].join(', ')
      expect(await seen(behind, '10.0.0.1', forwarded(hops))).toBe('198.51.100.1')
    }),
    { numRuns: 50 },
  )
})

test.each([
  ['IPv4 and its mapped form', 'one limit', '203.0.113.1', '::ffff:203.0.113.1'],
  ['addresses of one IPv6 /64', 'one limit', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
  ['a zone and none', 'one limit', 'fe80::1%eth0', 'fe80::1'],
  ['addresses of two IPv6 /64', 'their own limits', '2001:db8:1:2::1', '2001:db8:1:3::1'],
  ['two IPv4 addresses', 'their own limits', '203.0.113.1', '203.0.113.2'],
])('%s have %s', async (_, limits, first, second) => {
  const app = await testApp({ rateLimitPerMinute: 1 })
  const statuses = [
    (await app.call('GET', '/', { from: first })).status,
    (await app.call('GET', '/', { from: second })).status,
  ]
  await app.close()
  expect(statuses).toEqual([200, limits === 'one limit' ? 429 : 200])
})

test('security 25: a changing X-Forwarded-For does not lift the limit, unless a trusted proxy sends it', async () => {
  const app = await testApp({ rateLimitPerMinute: 3, trustedProxies: PROXIES })
  const ask = async (from: string, count: number) => {
    const found: number[] = []
    for (let i = 1; i <= count; i++) {
      found.push(
        (await app.call('GET', '/', { from, headers: forwarded(`198.51.100.${i}`) })).status,
      )
    }
    return found
  }
  const [untrusted, trusted] = [await ask('203.0.113.9', 5), await ask('10.0.0.1', 5)]
  await app.close()
  expect(untrusted).toEqual([200, 200, 200, 429, 429])
  expect(trusted).toEqual([200, 200, 200, 200, 200])
})
