import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { Elysia } from 'elysia'
import { audit } from 'pat-auth-system/audit'
import { databaseFor, strangersProject } from './page.ts'

let project: Awaited<ReturnType<typeof strangersProject>>
let database: Awaited<ReturnType<typeof databaseFor>>
let url: string
let stop: () => Promise<unknown>
beforeAll(async () => {
  project = await strangersProject()
  database = await databaseFor('audit')
  const { ledger } = await import(join(project.folder, 'audit.ts'))
  const app = ledger(database.sql).listen({ port: 0, hostname: '127.0.0.1' })
  url = app.server.url.origin
  stop = () => app.stop(true)
})
afterAll(async () => {
  await stop()
  await database.drop()
  await project.remove()
})

const rows = async () => [
  ...(await database.sql`
    select method, endpoint, status_code, authorized, host(ip) as ip from audit_log order by id`),
]

test('the example: each answer to a known key has its row, 404 and 500 too, and other requests have none', async () => {
  const headers = { 'x-key': 'key of ada' }
  const statuses: number[] = []
  for (const path of ['/balance?of=ada', '/nothing', '/broken']) {
    statuses.push((await fetch(url + path, { headers })).status)
  }
  statuses.push((await fetch(`${url}/balance`)).status)
  expect(statuses).toEqual([200, 404, 500, 200])
  const row = { method: 'GET', authorized: true, ip: '127.0.0.1' }
  expect(await rows()).toEqual([
    { ...row, endpoint: '/balance', status_code: 200 },
    { ...row, endpoint: '/nothing', status_code: 404 },
    { ...row, endpoint: '/broken', status_code: 500 },
  ])
})

test.each([
  [true, 503],
  [false, 200],
])(
  'mounted by its package name: a row that can not be written, required: %p, answers %p',
  async (required, status) => {
    const lost = Promise.withResolvers<unknown>()
    const app = new Elysia()
      .use(
        audit({
          sql: database.sql,
          address: () => null,
          // No uuid: the database refuses the row.
          use: async () => ({ tokenId: 'none', authorized: true, reason: null }),
          required,
          onLost: lost.resolve,
        }),
      )
      .get('/', () => 'done')
    expect((await app.handle(new Request('http://test.local/'))).status).toBe(status)
    expect(await lost.promise).toBeInstanceOf(Error)
  },
)
