import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp, type User } from '../kit/app.ts'
import { postForm } from './form.ts'

const PATH = '/oauth/revoke'
let app: TestApp
let user: User

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

const use = (token: string) => app.call('GET', '/api/v1/tokens/self', { bearer: token })

test('whoever presents a token ends it, and it is in its log', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  expect((await use(token)).status).toBe(200)
  const answer = await postForm(app, PATH, { token, token_type_hint: 'access_token' })
  expect([answer.status, answer.text]).toEqual([200, ''])
  const refused = await use(token)
  expect([refused.status, refused.body.message]).toEqual([401, 'Token revoked'])
  expect(await app.auditOf(id)).toMatchObject([
    { endpoint: '/api/v1/tokens/self', authorized: true },
    { method: 'POST', endpoint: PATH, status_code: 200, authorized: true, ip: '127.0.0.1' },
    { endpoint: '/api/v1/tokens/self', reason: 'Token revoked' },
  ])
  const log = await app.call('GET', `/api/v1/tokens/${id}/logs`, { bearer: user.jwt })
  expect(log.body.data.total_logs).toBe(3)
})

test('a token in its log, a token that never was and a revoked one are all 200', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  await app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  for (const nothing of [token, 'nonsense', user.jwt, `pat_${'0'.repeat(36)}`]) {
    const answer = await postForm(app, PATH, { token: nothing })
    expect([answer.status, answer.text]).toEqual([200, ''])
  }
  expect(await app.auditOf(id)).toHaveLength(0)
})

const both = (header: string, token: string) =>
  postForm(app, PATH, { token }, { headers: { authorization: `Bearer ${header}` } })

test('security 27: a token in the header and in the form is one use, and two tokens are one each', async () => {
  const [first, second] = [await app.token(user, ['fcs:read']), await app.token(user, ['fcs:read'])]
  const use = { method: 'POST', endpoint: PATH, status_code: 200 }
  expect((await both(first.token, first.token)).status).toBe(200)
  expect(await app.auditOf(first.id)).toMatchObject([{ ...use, authorized: true, reason: null }])
  // Revoked already, it is presented all the same.
  await both(first.token, first.token)
  expect(await app.auditOf(first.id)).toMatchObject([use, { ...use, authorized: false }])
  await both(first.token, second.token)
  expect(await app.auditOf(first.id)).toHaveLength(3)
  expect(await app.auditOf(second.id)).toMatchObject([{ ...use, authorized: true }])
})

test('security 27: two strings of one token, the old in its grace and the new, are one use', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  const { body } = await app.call('POST', `/api/v1/tokens/${id}/regenerate`, {
    bearer: user.jwt,
    json: { grace_seconds: 600 },
  })
  await both(token, body.data.token)
  expect(await app.auditOf(id)).toHaveLength(1)
})

test('an expired token stays expired, and can be regenerated', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  await app.sql`update token_secrets set expires_at = now() where token_id = ${id}`
  const show = async () =>
    (await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })).body.data
  const before = await show()
  for (let twice = 0; twice < 2; twice++) await postForm(app, PATH, { token })
  expect(before).toMatchObject({ status: 'expired', is_revoked: false })
  expect(await show()).toEqual(before)
  expect(await app.auditOf(id)).toHaveLength(0)
  const json = { expires_in_days: 1 }
  const again = await app.call('POST', `/api/v1/tokens/${id}/regenerate`, {
    ...{ bearer: user.jwt, json },
  })
  expect((await use(again.body.data.token)).status).toBe(200)
  expect((await use(token)).body.message).toBe('Token revoked')
})

test('an old string in its grace ends, and the new one lives', async () => {
  const { id, token } = await app.token(user, ['fcs:read'])
  const { body } = await app.call('POST', `/api/v1/tokens/${id}/regenerate`, {
    bearer: user.jwt,
    json: { grace_seconds: 600 },
  })
  expect((await use(token)).status).toBe(200)
  await postForm(app, PATH, { token })
  expect((await use(token)).body.message).toBe('Token revoked')
  expect((await use(body.data.token)).status).toBe(200)
})

test('it holds on another instance when it is answered', async () => {
  const other = await testApp({ sql: app.pool })
  try {
    for (let round = 0; round < 5; round++) {
      const { token } = await app.token(user, ['fcs:read'])
      const there = () => other.call('GET', '/api/v1/tokens/self/can', { bearer: token })
      // Often enough to be remembered there: 422, for nothing is asked.
      for (let use = 0; use < 20; use++) expect((await there()).status).toBe(422)
      await postForm(app, PATH, { token })
      expect((await there()).status).toBe(401)
    }
  } finally {
    await other.close()
  }
})

test('no form, no token: 400 invalid_request', async () => {
  const json = await app.call('POST', PATH, { json: { token: 'x' } })
  expect([json.status, json.body.error]).toEqual([400, 'invalid_request'])
  const empty = await postForm(app, PATH, {})
  expect([empty.status, empty.body.error]).toEqual([400, 'invalid_request'])
})

test('a revocation and regenerations at once leave no string that answers otherwise than the list says', async () => {
  for (let round = 0; round < 5; round++) {
    const { id, token } = await app.token(user, ['fcs:read'])
    const json = { grace_seconds: 600 }
    const [, regenerated] = await Promise.all([
      postForm(app, PATH, { token }),
      app.call('POST', `/api/v1/tokens/${id}/regenerate`, { bearer: user.jwt, json }),
    ])
    expect((await use(token)).status).toBe(401)
    const item = await app.call('GET', `/api/v1/tokens/${id}`, { bearer: user.jwt })
    expect(item.body.data.is_revoked).toBe(regenerated.status === 409)
    if (regenerated.status === 200) {
      expect((await use(regenerated.body.data.token)).status).toBe(200)
    }
  }
})
