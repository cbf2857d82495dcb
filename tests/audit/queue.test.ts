import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { audit } from '../../src/plugins/audit/index.ts'
import { type TestApp, testApp } from '../kit/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await testApp()
})
afterAll(() => app.close())

const MAX_ROWS = 10_000

test('when ten thousand rows wait for a database that stands still, the next call is refused with 503, and those that waited go on', async () => {
  const tokenId = crypto.randomUUID()
  const lost: string[] = []
  const audited = new Elysia()
    .use(
      audit({
        sql: app.pool,
        address: () => null,
        use: async () => ({ tokenId, authorized: true, reason: null }),
        required: true,
        onLost: (error) => lost.push(String(error)),
      }),
    )
    .get('/', () => 'done')
  const call = async () => (await audited.handle(new Request('http://test.local/'))).status

  let waiting: Promise<number>[] = []
  let inFlight: Promise<number> | undefined
  await app.sql.begin(async (other) => {
    await other`lock table audit_log in exclusive mode`
    inFlight = call()
    const held = () =>
      other`select from pg_locks where relation = 'audit_log'::regclass and not granted`
    while ((await held()).length === 0);
    waiting = Array.from({ length: MAX_ROWS - 1 }, call)
    expect(await Promise.all([call(), call(), call()])).toEqual([503, 503, 503])
  })
  expect(await inFlight).toBe(200)
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]))
  expect(lost).toEqual(Array(3).fill('Error: audit queue is full'))
  expect(await app.auditOf(tokenId)).toHaveLength(MAX_ROWS)
})
