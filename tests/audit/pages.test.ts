import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

const ROWS = 20_000
const LIMIT = 50
const MONTHS = ['2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01']

let app: TestApp
let user: User
let token: Token

/** A log over four months, of which every hundredth use was refused, beside another as long. */
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['users:read'])
  const other = await app.token(user, ['users:read'])
  for (const month of MONTHS) await app.sql`select audit_log_add_month(${month}::text::date)`
  await app.sql`
    insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
    select token_id, '2026-01-01'::timestamptz + i * interval '120 days' / ${ROWS}::int,
      'GET', '/' || i, 200, i % 100 > 0
    from generate_series(0, ${ROWS - 1}::int) as i, unnest(${[token.id, other.id]}::uuid[]) as token_id`
  await app.sql`vacuum analyze audit_log`
})
afterAll(() => app.close())

type Node = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Node[]
}
const nodes = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)]

/** What a page reads of the audit log: PostgreSQL's own account of the queries that the app sent for it, without its count. */
async function readBy(path: string) {
  const sent: [query: string, parameters: unknown[]][] = []
  const { options } = app.pool
  options.debug = (_connection, query, parameters) => {
    if (query.includes('audit_log')) sent.push([query, [...parameters]])
  }
  const { status, body } = await app.call('GET', path, { bearer: user.jwt })
  options.debug = false
  expect(status).toBe(200)
  const scans: Node[] = []
  for (const [query, parameters] of sent.filter(([query]) => query.includes('limit'))) {
    const [explained] = await app.sql.unsafe(
      `explain (analyze, format json) ${query}`,
      parameters as never[],
    )
    const all = nodes(explained?.['QUERY PLAN'][0].Plan)
    scans.push(...all.filter((node) => node['Relation Name'] && node['Actual Loops'] > 0))
  }
  const rows = scans.reduce(
    (sum, node) =>
      sum +
      node['Actual Loops'] *
        (node['Actual Rows'] +
          (node['Rows Removed by Filter'] ?? 0) +
          (node['Rows Removed by Index Recheck'] ?? 0)),
    0,
  )
  return { queries: sent.length, rows, tables: scans.map((node) => node['Relation Name']), body }
}
const logs = (query: string) => `/api/v1/tokens/${token.id}/logs?limit=${LIMIT}&${query}`

/** From each partition the first of each kind, to know where the newest is. */
const HEADS = 2 * (MONTHS.length + 3)

test.each(['', 'authorized=true', 'authorized=false', `offset=${LIMIT}`])(
  'a page by %j reads the rows it shows and no others, and counts without reading any',
  async (query) => {
    const { queries, rows, body } = await readBy(logs(query))
    expect(queries).toBe(1)
    expect(body.data.logs).toHaveLength(LIMIT)
    const passed = query.startsWith('offset') ? LIMIT : 0
    expect(rows).toBeLessThanOrEqual(2 * (passed + LIMIT + 1) + HEADS)
  },
)

test.each(['', '&to=2026-03-15T00:00:00Z'])(
  'a page by cursor%s reads no row of those before it, and no later month',
  async (range) => {
    const first = await readBy(logs(`offset=10000${range}`))
    const query = `cursor=${first.body.data.next_cursor}${range}`
    const { rows, tables, body } = await readBy(logs(query))
    expect(body.data.logs[0].timestamp < first.body.data.logs.at(-1).timestamp).toBe(true)
    expect(rows).toBeLessThanOrEqual(2 * (LIMIT + 1) + HEADS)
    expect(tables).not.toContain('audit_log_2026_04')
  },
)

test('a time range is looked for only in its months, and of all of it only the page is read', async () => {
  const { rows, tables, body } = await readBy(
    logs('from=2026-02-02T00:00:00Z&to=2026-02-27T00:00:00Z'),
  )
  const inRange = (ROWS / 120) * 25
  expect(body.data.total_logs).toBeWithin(Math.floor(inRange), Math.ceil(inRange) + 1)
  expect(rows).toBeLessThanOrEqual(2 * (LIMIT + 1))
  expect(new Set(tables)).toEqual(new Set(['audit_log_2026_02']))
})

test('pages by cursor show every use once, in order, across months and kinds', async () => {
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const place: string = cursor === null ? '' : `&cursor=${cursor}`
    const path = `/api/v1/tokens/${token.id}/logs?limit=1000${place}`
    const { body } = await app.call('GET', path, { bearer: user.jwt })
    seen.push(...body.data.logs.map(({ endpoint }: { endpoint: string }) => endpoint))
    cursor = body.data.next_cursor
  } while (cursor !== null)
  expect(seen).toEqual(Array.from({ length: ROWS }, (_, i) => `/${ROWS - 1 - i}`))
})

test('uses of the same millisecond are on one page each', async () => {
  const busy = await app.token(user, ['users:read'])
  await app.sql`
    insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
    select ${busy.id}, '2026-02-28T23:59:59.999Z', 'GET', '/' || i, 200, i % 2 = 0
    from generate_series(0, 9) as i`
  const seen: string[] = []
  let cursor = ''
  do {
    const path = `/api/v1/tokens/${busy.id}/logs?limit=3${cursor}`
    const { body } = await app.call('GET', path, { bearer: user.jwt })
    seen.push(...body.data.logs.map(({ endpoint }: { endpoint: string }) => endpoint))
    cursor = body.data.next_cursor && `&cursor=${body.data.next_cursor}`
  } while (cursor)
  expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => `/${9 - i}`))
})
