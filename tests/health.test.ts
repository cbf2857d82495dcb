import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from './kit/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp({ rateLimitPerMinute: 3 })
})
afterAll(() => app.close())

test('health is exactly {"status":"ok"}, however often and with whatever credential it is asked', async () => {
  for (const bearer of ['', 'nonsense', `pat_${'0'.repeat(36)}`, 'a', 'b']) {
    const answer = await app.call('GET', '/health', { bearer })
    expect([answer.status, answer.text]).toEqual([200, '{"status":"ok"}'])
    expect(answer.headers.has('ratelimit')).toBe(false)
  }
  expect((await app.call('GET', '/', { from: '10.0.0.1' })).headers.get('ratelimit')).toStartWith(
    '"address";r=2;',
  )
})

test('the index says what this is and where everything is', async () => {
  const { status, body } = await app.call('GET', '/', { from: '10.0.0.2' })
  expect(status).toBe(200)
  expect(body).toEqual({
    success: true,
    data: {
      name: expect.any(String),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      docs: '/docs',
      health: '/health',
      endpoints: {
        auth: '/api/v1/auth',
        tokens: '/api/v1/tokens',
        workspaces: '/api/v1/workspaces',
        users: '/api/v1/users',
        fcs: '/api/v1/fcs',
      },
    },
  })
})

test('the service is ready once every migration is applied, and names those that are not', async () => {
  const ready = await app.call('GET', '/ready', { from: '10.0.0.3' })
  expect([ready.status, ready.body]).toEqual([200, { success: true, data: { status: 'ready' } }])

  const [last] = await app.sql`
    delete from migrations where id = (select max(id) from migrations) returning name, created_at`
  const behind = await app.call('GET', '/ready', { from: '10.0.0.3' })
  expect(behind.status).toBe(503)
  expect(behind.body).toEqual({
    success: false,
    error: 'Service Unavailable',
    data: { missing: ['migrations'], migrations: [last?.name] },
  })

  await app.sql`insert into migrations ${app.sql(last ?? {})}`
  expect((await app.call('GET', '/ready', { from: '10.0.0.3' })).status).toBe(200)
})

test('a database that accepts and then says nothing makes the service unready, soon', async () => {
  const hung = await testApp({ pendingMigrations: () => new Promise(() => {}) })
  const { status, headers, body } = await hung.call('GET', '/ready')
  expect([status, headers.get('retry-after')]).toEqual([503, '1'])
  expect(body.data).toEqual({ missing: ['database'] })
  await hung.close()
})
