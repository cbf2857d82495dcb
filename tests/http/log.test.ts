import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'

let api: TestApp
beforeAll(async () => {
  api = await testApp()
})
afterAll(() => api.close())

test('a 500 names its request, and what the database says of the data stays out of the log', async () => {
  const { token } = await api.token(await api.user(), ['workspaces:write'])
  await api.sql`alter table workspaces alter column name type integer using 0`
  const answer = await api.call('POST', '/api/v1/workspaces', {
    bearer: token,
    json: { name: 'a private name' },
  })
  const requestId = answer.headers.get('x-request-id')
  expect(answer.status).toBe(500)
  expect(answer.body).toEqual({
    success: false,
    error: 'Internal Server Error',
    message: `Request ${requestId} failed`,
  })
  const logged = api.lines.map((line) => JSON.parse(line))
  // 22P02: the text is no integer, which the message quotes.
  expect(logged).toMatchObject([{ event: 'request failed', requestId, code: '22P02' }])
  expect(api.lines.join('')).not.toContain('private')
})
