import { expect, test } from 'bun:test'
import { testApp } from '../kit/app.ts'

test('security 27: each call over the limit leaves one row, with 429 and a reason', async () => {
  const app = await testApp({ rateLimitPerMinute: 10 })
  try {
    const { id, token } = await app.token(await app.user(), ['users:read'])
    const statuses: number[] = []
    for (let turn = 0; turn < 13; turn++) {
      const { status } = await app.call('GET', '/api/v1/users/me', {
        bearer: token,
        from: '192.0.2.1',
      })
      statuses.push(status)
    }
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429, 429])
    const rows = await app.auditOf(id)
    expect(rows.map(({ status_code }) => status_code)).toEqual(statuses)
    expect(rows.at(-1)).toMatchObject({
      authorized: false,
      reason: 'Too Many Requests',
      ip: '192.0.2.1',
    })
  } finally {
    await app.close()
  }
})
