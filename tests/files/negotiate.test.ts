import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'
import { cytometrist } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
let five: string
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
  five = await me.file()
})
afterAll(() => api.close())

const get = (query: string, accept?: string) =>
  me.get(`/api/v1/fcs/events?${query}`, accept === undefined ? {} : { accept })

const CSV = 'text/csv'
const NDJSON = 'application/x-ndjson'
const ARROW = 'application/vnd.apache.arrow.stream'
const JSON_TYPE = 'application/json'

test.each([
  [undefined, JSON_TYPE],
  ['*/*', JSON_TYPE],
  ['application/json', JSON_TYPE],
  ['application/*', JSON_TYPE],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', JSON_TYPE],
  ['image/png', JSON_TYPE],
  ['', JSON_TYPE],
  ['text/csv;q=0', JSON_TYPE],
  ['text/csv;q=0.5, application/json', JSON_TYPE],
  ['text/csv, application/json;q=0.5', CSV],
  [CSV, CSV],
  ['Text/CSV; charset=utf-8', CSV],
  ['text/*', CSV],
  ['text/csv, */*', CSV],
  ['*/*, text/csv', CSV],
  ['application/json;q=0, */*;q=0.1', CSV],
  [`${CSV};q=0.4, ${NDJSON};q=0.6`, NDJSON],
  [NDJSON, NDJSON],
  [ARROW, ARROW],
  [`${ARROW}, application/json;q=0.9`, ARROW],
])('Accept “%s” is answered with %s', async (accept, type) => {
  const { status, headers } = await get(`file_id=${five}`, accept)
  expect([status, headers.get('content-type')?.split(';')[0]]).toEqual([200, type])
  expect(headers.get('vary')).toBe('Accept')
})

test('format wins over Accept, and one that is unknown is 422', async () => {
  const type = async (format: string, accept: string) =>
    (await get(`file_id=${five}&format=${format}`, accept)).headers.get('content-type')
  expect(await type('csv', ARROW)).toStartWith(CSV)
  expect(await type('json', CSV)).toStartWith(JSON_TYPE)
  for (const format of ['xml', '', 'CSV', 'constructor']) {
    const answer = await get(`format=${format}`, CSV)
    expect([answer.status, answer.body.data.errors]).toEqual([
      422,
      [{ field: 'format', rule: 'json, csv, ndjson, arrow' }],
    ])
  }
})
