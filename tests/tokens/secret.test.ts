import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { newSecret } from '../../src/plugins/pat/secret.ts'
import { type TestApp, testApp, type User } from '../kit/app.ts'
import { countQueries } from './queries.ts'

let app: TestApp
let user: User

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The checksum as the format defines it, written anew: CRC-32 in base62, six digits. */
function withChecksum(body: string): string {
  let rest = BigInt(crc32(body))
  const digits: string[] = []
  while (digits.length < 6) {
    digits.unshift(BASE62.charAt(Number(rest % 62n)))
    rest /= 62n
  }
  return body + digits.join('')
}

const me = (bearer: string) => app.call('GET', '/api/v1/users/me', { bearer })
const sha256 = (text: string) => createHash('sha256').update(text).digest()

describe('token secure storage', () => {
  test('the database keeps the SHA-256 of a token and its first 12 characters, and no more', async () => {
    const { id, token } = await app.token(user, ['users:read'])
    const [row] = await app.sql`select * from token_secrets where token_id = ${id}`
    expect(Buffer.from(row?.hash)).toEqual(sha256(token))
    expect(row?.prefix).toBe(token.slice(0, 12))
    const [stored] = await app.sql`
      select (select jsonb_agg(s) from token_secrets s)::text || (select jsonb_agg(t) from tokens t)::text as text`
    expect(stored?.text).toContain(token.slice(0, 12))
    expect(stored?.text).not.toContain(token.slice(0, 13))
    expect(stored?.text).not.toContain(Buffer.from(token).toString('hex'))
  })

  test('the hash is unique in the database', async () => {
    const { id, token } = await app.token(user, ['users:read'])
    const again = app.sql`
      insert into token_secrets (hash, token_id, prefix, expires_at, superseded_at)
      values (${sha256(token)}, ${id}, 'pat_', now(), now())`
    await expect(again.execute()).rejects.toThrow('duplicate key')
  })

  test('what is stored opens nothing', async () => {
    const { token } = await app.token(user, ['users:read'])
    for (const stolen of [sha256(token).toString('hex'), token.slice(0, 12)]) {
      expect((await me(stolen)).status).toBe(401)
    }
  })

  test('no answer but that of its making shows a token', async () => {
    const { id, token } = await app.token(user, ['users:read'])
    await me(token)
    for (const path of ['', `/${id}`, `/${id}/logs`]) {
      const { status, text } = await app.call('GET', `/api/v1/tokens${path}`, { bearer: user.jwt })
      expect(status).toBe(200)
      expect(text).not.toContain(token.slice(0, 13))
    }
  })
})

test('security 5: of 10,000 tokens none repeats, and each place takes each of the 62 characters evenly', () => {
  const tokens = Array.from({ length: 10_000 }, newSecret)
  expect(new Set(tokens).size).toBe(10_000)
  for (let place = 4; place < 34; place++) {
    const counts = new Map<string, number>()
    for (const token of tokens) {
      counts.set(token.charAt(place), (counts.get(token.charAt(place)) ?? 0) + 1)
    }
    expect([...counts.keys()].sort().join('')).toBe(BASE62)
    // Chi-squared of 61 degrees of freedom is above 135 once in five million times.
    const expected = 10_000 / 62
    const chi = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
    expect(chi).toBeLessThan(135)
  }
})

test('a token carries the CRC-32 of what precedes it', async () => {
  const { token } = await app.token(user, ['users:read'])
  expect(withChecksum(token.slice(0, 34))).toBe(token)
})

test('security 5: one changed character anywhere is refused without a query', async () => {
  const { token } = await app.token(user, ['users:read'])
  const changed = Array.from({ length: token.length }, (_, at) => {
    const other = token.charAt(at) === 'x' ? 'y' : 'x'
    return token.slice(0, at) + other + token.slice(at + 1)
  })
  const queries = await countQueries(app, async () => {
    for (const one of changed) {
      const { status, body } = await me(one)
      expect([status, body.message]).toEqual([401, 'Invalid token'])
    }
  })
  expect(queries).toEqual([])
})

test('a token with a right checksum that was never issued is refused, and leaves no row', async () => {
  const before = await app.sql`select count(*) from audit_log`
  const { status, body } = await me(newSecret())
  expect([status, body.message]).toEqual([401, 'Invalid token'])
  expect([...(await app.sql`select count(*) from audit_log`)]).toEqual([...before])
})

test('security 7: two tokens with the same first 12 characters each are themselves, by one query', async () => {
  const names = ['one', 'two']
  const twins = names.map((name) => withChecksum(`pat_SAMEstart${name}`.padEnd(34, '0')))
  for (const [at, twin] of twins.entries()) {
    const owner = await app.user()
    const { id } = await app.token(owner, ['users:read'])
    await app.sql`
      update token_secrets set hash = ${sha256(twin)}, prefix = ${twin.slice(0, 12)} where token_id = ${id}`
    names[at] = owner.username
  }
  expect(new Set(twins.map((twin) => twin.slice(0, 12))).size).toBe(1)
  for (const [at, twin] of twins.entries()) {
    const queries = await countQueries(app, async () => {
      const { status, body } = await me(twin)
      expect([status, body.data.user.username]).toEqual([200, names[at]])
    })
    expect(queries.filter((query) => query.includes('token_secrets'))).toHaveLength(1)
  }
})
