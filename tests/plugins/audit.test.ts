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

test('reasons of several lines, none at all, and no address leave the rows of others as they are', async () => {
  await database.sql`delete from audit_log`
  const reasons = ['first\nsecond\r\nthird', null, '', 'plain']
  const tokenId = crypto.randomUUID()
  const app = new Elysia()
    .use(
      audit({
        sql: database.sql,
        address: (request) => request.headers.get('x-from'),
        use: ({ headers }) => {
          const reason = reasons[Number(headers.get('x-at'))] ?? null
          return { tokenId, authorized: false, reason }
        },
        required: true,
        onLost: () => {},
      }),
    )
    .get('/:at', () => 'done')
  // At once, so that they are one batch: the first goes alone.
  const call = (at: number, from?: string) => {
    const headers = { 'x-at': String(at), ...(from && { 'x-from': from }) }
    return app.handle(new Request(`http://test.local/${at}`, { headers }))
  }
  await Promise.all([
    call(3),
    ...reasons.map((_, at) => call(at, at === 1 ? '192.0.2.1' : undefined)),
  ])
  const row = { endpoint: '/3', ip: null, reason: 'plain' }
  expect([
    ...(await database.sql`select endpoint, host(ip) as ip, reason from audit_log order by id`),
  ]).toEqual([
    row,
    { endpoint: '/0', ip: null, reason: 'first second\r third' },
    { endpoint: '/1', ip: '192.0.2.1', reason: 'The route takes no token' },
    { endpoint: '/2', ip: null, reason: null },
    row,
  ])
})
