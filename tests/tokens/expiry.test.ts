import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestApp, testApp, type User } from '../kit/app.ts'
import { stoppedClock } from './clock.ts'

const START = Date.UTC(2031, 2, 1, 12)
const DAY = 24 * 60 * 60 * 1000

let app: TestApp
let clock: Awaited<ReturnType<typeof stoppedClock>>
let user: User

beforeAll(async () => {
  app = await testApp()
  clock = await stoppedClock(app, new Date(START))
  user = await app.user()
})
afterAll(() => app.close())

const me = async (bearer: string, from?: string) => {
  const { status, body } = await app.call('GET', '/api/v1/users/me', {
    bearer,
    ...(from && { from }),
  })
  return [status, body.message]
}
const manage = (method: string, path: string, json?: unknown) =>
  app.call(method, `/api/v1/tokens/${path}`, {
    bearer: user.jwt,
    ...(json !== undefined && { json }),
  })
const OPEN = [200, undefined]
const EXPIRED = [401, 'Token expired']
const REVOKED = [401, 'Token revoked']

describe('token expiry and revocation', () => {
  test('security 12: a token lives to the last millisecond before its expiry, and not at it', async () => {
    await clock.set(START)
    const { id, token } = await app.token(user, ['users:read'], { expires_in_days: 1 })
    const { body } = await manage('GET', id)
    expect(body.data.expires_at).toBe(new Date(START + DAY).toISOString())
    const statusAt = async () => (await manage('GET', id)).body.data.status
    await clock.set(START + DAY - 1)
    expect([await me(token), await statusAt()]).toEqual([OPEN, 'active'])
    await clock.set(START + DAY)
    expect([await me(token), await statusAt()]).toEqual([EXPIRED, 'expired'])
    await clock.set(START + 400 * DAY)
    expect(await me(token)).toEqual(EXPIRED)
  })

  test('a revoked token is refused from the next call on, and revoking it again answers the same', async () => {
    const { id, token } = await app.token(user, ['users:read'])
    expect(await me(token)).toEqual(OPEN)
    const first = await manage('DELETE', id)
    expect(first.status).toBe(200)
    const message = 'Token revoked successfully'
    const effective_on = { confirmed: 1, fenced: 0 }
    expect(first.body).toEqual({ success: true, data: { message, token_id: id, effective_on } })
    expect(await me(token)).toEqual(REVOKED)
    const again = await manage('DELETE', id.toUpperCase())
    expect([again.status, again.body]).toEqual([200, first.body])
    const { body } = await manage('GET', id)
    expect([body.data.status, body.data.is_revoked]).toEqual(['revoked', true])
  })

  test('a token that is both revoked and expired is revoked', async () => {
    await clock.set(START)
    const { id, token } = await app.token(user, ['users:read'], { expires_in_days: 1 })
    await clock.advance(2 * DAY)
    expect(await me(token)).toEqual(EXPIRED)
    await manage('DELETE', id)
    expect(await me(token)).toEqual(REVOKED)
    expect((await manage('GET', id)).body.data.status).toBe('revoked')
  })

  test('a refusal says what is wrong in the order of the contract, whatever else is wrong too', async () => {
    const owner = await app.user()
    const { id, token } = await app.token(owner, ['fcs:read'], { allowed_ips: ['192.0.2.1'] })
    const faults: [sql: string, answer: unknown[]][] = [
      [`update tokens set revoked_at = now() where id = '${id}'`, REVOKED],
      [`update token_secrets set expires_at = now() where token_id = '${id}'`, EXPIRED],
      [`update users set is_active = false where id = '${owner.id}'`, [401, 'Account is inactive']],
      [
        `update tokens set allowed_ips = '{192.0.2.9}' where id = '${id}'`,
        [403, 'IP address not allowed'],
      ],
    ]
    const mend = `
      update tokens set revoked_at = null, allowed_ips = null where id = '${id}';
      update token_secrets set expires_at = now() + interval '1 day' where token_id = '${id}';
      update users set is_active = true where id = '${owner.id}'`
    for (let wrong = 0; wrong < 2 ** faults.length; wrong++) {
      await app.sql.unsafe(mend)
      const chosen = faults.filter((_, bit) => wrong & (1 << bit))
      for (const [fault] of chosen) await app.sql.unsafe(fault)
      await app.settled()
      // The scope is missing throughout, and comes last.
      expect(await me(token)).toEqual(chosen[0]?.[1] ?? [403, undefined])
    }
  })

  test('security 17: a deactivated owner’s token stops at once, and goes on when the owner is back', async () => {
    const owner = await app.user()
    const { token } = await app.token(owner, ['users:read'])
    expect(await me(token)).toEqual(OPEN)
    await app.sql`update users set is_active = false where id = ${owner.id}`
    await app.settled()
    expect(await me(token)).toEqual([401, 'Account is inactive'])
    await app.sql`update users set is_active = true where id = ${owner.id}`
    await app.settled()
    expect(await me(token)).toEqual(OPEN)
  })
})

describe('regeneration and its grace', () => {
  const regenerate = async (id: string, json?: unknown): Promise<string> => {
    const { status, body } = await manage('POST', `${id}/regenerate`, json)
    expect(status).toBe(200)
    return body.data.token
  }

  test('without grace the old string is revoked before the answer', async () => {
    const { id, token } = await app.token(user, ['users:read'])
    const next = await regenerate(id)
    expect([await me(token), await me(next)]).toEqual([REVOKED, OPEN])
  })

  test('the old string lives to the last millisecond of its grace', async () => {
    await clock.set(START)
    const { id, token } = await app.token(user, ['users:read'])
    const next = await regenerate(id, { grace_seconds: 60 })
    await clock.set(START + 59_999)
    expect([await me(token), await me(next)]).toEqual([OPEN, OPEN])
    await clock.set(START + 60_000)
    expect([await me(token), await me(next)]).toEqual([REVOKED, OPEN])
  })

  test('security 11: grace never outlives the old expiry', async () => {
    await clock.set(START)
    const { id, token } = await app.token(user, ['users:read'], { expires_in_days: 1 })
    await clock.set(START + DAY - 10_000)
    const next = await regenerate(id, { grace_seconds: 86_400, expires_in_days: 30 })
    await clock.set(START + DAY - 1)
    expect(await me(token)).toEqual(OPEN)
    await clock.set(START + DAY)
    expect([await me(token), await me(next)]).toEqual([REVOKED, OPEN])
  })

  test('a second regeneration ends the first grace, and never lengthens it', async () => {
    await clock.set(START)
    const first = await app.token(user, ['users:read'])
    const second = await regenerate(first.id, { grace_seconds: 60 })
    const third = await regenerate(first.id, { grace_seconds: 3600 })
    await clock.set(START + 60_000)
    expect([await me(first.token), await me(second), await me(third)]).toEqual([
      REVOKED,
      OPEN,
      OPEN,
    ])
    const fourth = await regenerate(first.id)
    expect([await me(second), await me(third), await me(fourth)]).toEqual([REVOKED, REVOKED, OPEN])
  })

  test('revoking ends every string of the token, also one in its grace', async () => {
    const { id, token } = await app.token(user, ['users:read'])
    const next = await regenerate(id, { grace_seconds: 3600 })
    await manage('DELETE', id)
    expect([await me(token), await me(next)]).toEqual([REVOKED, REVOKED])
  })

  test('security 11: an expired token needs a new expiry, and then lives on under its new string', async () => {
    await clock.set(START)
    const { id, token } = await app.token(user, ['users:read'], { expires_in_days: 1 })
    await clock.set(START + DAY)
    for (const json of [undefined, {}, { grace_seconds: 60 }]) {
      expect((await manage('POST', `${id}/regenerate`, json)).status).toBe(409)
    }
    const next = await regenerate(id, { expires_in_days: 2, grace_seconds: 60 })
    expect([await me(token), await me(next)]).toEqual([REVOKED, OPEN])
    await clock.set(START + 3 * DAY)
    expect(await me(next)).toEqual(EXPIRED)
  })

  test('without a new expiry the old one stays', async () => {
    await clock.set(START)
    const { id } = await app.token(user, ['users:read'], { expires_in_days: 3 })
    await clock.set(START + DAY)
    const next = await regenerate(id)
    await clock.set(START + 3 * DAY - 1)
    expect(await me(next)).toEqual(OPEN)
    await clock.set(START + 3 * DAY)
    expect(await me(next)).toEqual(EXPIRED)
  })
})
