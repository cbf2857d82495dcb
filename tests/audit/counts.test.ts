import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createCounts } from '../../src/counts.ts'
import { createLog } from '../../src/log.ts'
import { newSecret } from '../../src/plugins/pat/secret.ts'
import { type TestApp, testApp } from '../kit/app.ts'

let api: TestApp
beforeAll(async () => {
  api = await testApp()
})
afterAll(() => api.close())

const counted = (lines: string[]) =>
  lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'counts since the start')

test('unknown tokens leave no row, and are counted', async () => {
  const bearer = newSecret()
  expect((await api.call('GET', '/api/v1/users/me', { bearer })).status).toBe(401)
  const [row] = await api.sql`select count(*)::int as rows from audit_log`
  expect(row?.rows).toBe(0)
  expect(counted(api.lines)).toMatchObject([{ level: 'warn', unknown_tokens: 1 }])
})

test('the totals are logged at most once a minute', () => {
  const lines: string[] = []
  let now = 0
  const counts = createCounts(
    createLog('info', (line) => lines.push(line)),
    () => now,
  )
  for (const at of [0, 1, 59_999, 60_000, 60_001, 130_000]) {
    now = at
    counts.add('unknown_tokens')
  }
  expect(counted(lines).map(({ unknown_tokens }) => unknown_tokens)).toEqual([1, 4, 6])
})
