import { afterAll, beforeAll, expect, test } from 'bun:test'
import { tableFromIPC } from 'apache-arrow'
import { type TestApp, testApp } from '../kit/app.ts'
import { small } from '../kit/fcs-examples.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'
import { cytometrist } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
let five: string
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
  five = await file(small)
})
afterAll(() => api.close())

const file = (spec: FcsSpec) => me.file(new Uint8Array(writeFcs(spec)))
const EVENTS = '/api/v1/fcs/events'
const get = (query: string, accept?: string) =>
  me.get(`${EVENTS}?${query}`, accept === undefined ? {} : { accept })
async function table(query: string) {
  const request = api.request('GET', `${EVENTS}?format=arrow&${query}`, { bearer: me.bearer })
  return tableFromIPC(await (await api.app.handle(request)).bytes())
}
const lines = (text: string) => text.trimEnd().split('\n')

const NDJSON = 'application/x-ndjson'
const ARROW = 'application/vnd.apache.arrow.stream'

test('CSV is a row of names and a row an event, with CRLF', async () => {
  const { status, headers, text } = await get(`file_id=${five}&format=csv`)
  expect(status).toBe(200)
  expect(text).toBe(
    'FSC-A,FL1-A,Time\r\n1.5,-2.25,0\r\n100,200000,3.75\r\n-0.25,7,8.5\r\n1,2,3\r\n4,5,6\r\n',
  )
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="a.csv"; filename*=UTF-8''a.csv`,
    vary: 'Accept',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
})

test('NDJSON is an object a line', async () => {
  const { headers, text } = await get(`file_id=${five}&format=ndjson&limit=2`)
  expect(text).toBe(
    '{"FSC-A":1.5,"FL1-A":-2.25,"Time":0}\n{"FSC-A":100,"FL1-A":200000,"Time":3.75}\n',
  )
  expect(headers.get('content-type')).toBe(NDJSON)
  expect(headers.get('content-disposition')).toContain('filename="a.ndjson"')
})

test('Arrow is a stream from its schema to its end mark', async () => {
  const request = api.request('GET', `${EVENTS}?file_id=${five}&format=arrow`, {
    bearer: me.bearer,
  })
  const response = await api.app.handle(request)
  expect(response.headers.get('content-type')).toBe(ARROW)
  expect(response.headers.get('content-disposition')).toContain('filename="a.arrows"')
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(bytes.subarray(0, 4).toString('hex')).toBe('ffffffff')
  expect(bytes.subarray(-8).toString('hex')).toBe('ffffffff00000000')
  expect(bytes.length % 8).toBe(0)
  const { schema, numRows } = tableFromIPC(bytes)
  expect(numRows).toBe(5)
  expect(schema.fields.map(String)).toEqual(['FSC-A: Float32', 'FL1-A: Float32', 'Time: Float32'])
  expect(schema.fields.some(({ nullable }) => nullable)).toBe(false)
})

test('a refusal is the JSON envelope in every form', async () => {
  const unknown = crypto.randomUUID()
  for (const format of ['csv', 'ndjson', 'arrow']) {
    const cases = [`file_id=${unknown}`, `limit=0`, `offset=-1`, `parameters=nothing`]
    const answers = await Promise.all(cases.map((query) => get(`${query}&format=${format}`)))
    expect(answers.map(({ status }) => status)).toEqual([404, 422, 422, 422])
    expect(answers.every(({ body }) => body.success === false)).toBe(true)
  }
})

test('a limit of JSON is at most 1000, one of the other forms what it likes', async () => {
  expect((await get('limit=1001')).body.data.errors[0].field).toBe('limit')
  expect(lines((await get('limit=1001&format=ndjson')).text)).toHaveLength(1001)
  expect(lines((await get('limit=5000&format=csv&parameters=Time')).text)).toHaveLength(5001)
  expect((await table('limit=1000000')).numRows).toBe(34297)
})

test.each([
  ['offset=3', [1, 4]],
  ['offset=1&limit=2', [100, -0.25]],
  ['offset=4&limit=100', [4]],
  ['offset=5', []],
  ['offset=1000000000000', []],
])('events with %s are the same rows in every form', async (page, expected) => {
  const query = `file_id=${five}&parameters=FSC-A&${page}`
  const csv = lines((await get(`${query}&format=csv`)).text)
  expect(csv.map((line) => line.trim())).toEqual(['FSC-A', ...expected.map(String)])
  const { text } = await get(`${query}&format=ndjson`)
  expect(text).toBe(expected.map((value) => `{"FSC-A":${value}}\n`).join(''))
  const arrow = await table(query)
  expect(arrow.schema.names).toEqual(['FSC-A'])
  expect([...(arrow.getChild('FSC-A') ?? [])]).toEqual(expected)
})

test('a file of many blocks is whole in every form, digit by digit as in JSON', async () => {
  const query = 'parameters=Time,FSC-A,FL1-A'
  const json: string[] = []
  for (let offset = 0; offset < 34297; offset += 1000) {
    const page = await get(`${query}&limit=1000&offset=${offset}`)
    for (const event of page.body.data.events) json.push(JSON.stringify(event))
  }
  expect(lines((await get(`${query}&format=ndjson`)).text)).toEqual(json)
  const values = json.map((line) => Object.values<number>(JSON.parse(line)))
  const csv = (await get(`${query}&format=csv`)).text
  expect(csv).toBe(['Time,FSC-A,FL1-A', ...values.map((row) => row.join()), ''].join('\r\n'))
  const arrow = await table(query)
  expect(arrow.batches.length).toBeGreaterThan(1)
  for (const [at, name] of ['Time', 'FSC-A', 'FL1-A'].entries()) {
    expect([...(arrow.getChild(name) ?? [])]).toEqual(values.map((row) => row[at] ?? Number.NaN))
  }
})

test('what is no number is NaN or Infinity in CSV, null in NDJSON, itself in Arrow', async () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0.1]
  const parameters = [{ name: 'A' }]
  const query = `file_id=${await file({ parameters, columns: [values] })}`
  const near = Math.fround(0.1)
  expect((await get(`${query}&format=csv`)).text).toBe(
    `A\r\nNaN\r\nInfinity\r\n-Infinity\r\n0\r\n${near}\r\n`,
  )
  expect((await get(`${query}&format=ndjson`)).text).toBe(
    `{"A":null}\n{"A":null}\n{"A":null}\n{"A":0}\n{"A":${near}}\n`,
  )
  const column = (await table(query)).getChild('A')
  expect([column?.nullCount, ...(column ?? [])]).toEqual([0, ...values.slice(0, 4), near])
})

test.each([
  ['F', 32, 'Float32', [0.1, -1e30, 16777217]],
  ['D', 64, 'Float64', [0.1, -1e300, 2 ** 53 - 1]],
  ['I', 16, 'Uint16', [0, 1, 65535]],
  ['I', 32, 'Uint32', [0, 1, 4294967295]],
] as const)('$DATATYPE %s of %d bits is %s in Arrow', async (datatype, bits, type, values) => {
  const parameters = [{ name: 'A', bits }]
  const arrow = await table(`file_id=${await file({ datatype, parameters, columns: [values] })}`)
  expect(String(arrow.schema.fields[0]?.type)).toBe(type)
  const stored = datatype === 'F' ? values.map(Math.fround) : [...values]
  expect([...(arrow.getChild('A') ?? [])]).toEqual(stored)
})

test('a name of any characters is quoted in CSV where it must be, and kept in every form', async () => {
  const names = ['A,B', 'say "x"', ' a ', '日本', '__proto__', 'a\nb', 'constructor']
  const parameters = names.map((name) => ({ name }))
  const id = await file({ parameters, columns: names.map((_, i) => [i]), delimiter: '\f' })
  const shown: { pnn: string }[] = (await me.get(`/api/v1/fcs/parameters?file_id=${id}`)).body.data
    .parameters
  const keys = shown.map(({ pnn }) => pnn)
  const quoted = keys.map((key) => (/[,"\n]/.test(key) ? `"${key.replaceAll('"', '""')}"` : key))
  expect((await get(`file_id=${id}&format=csv`)).text).toBe(`${quoted}\r\n0,1,2,3,4,5,6\r\n`)
  const event = JSON.parse((await get(`file_id=${id}&format=ndjson`)).text)
  expect(Object.entries(event)).toEqual(keys.map((key, i) => [key, i]))
  const arrow = await table(`file_id=${id}`)
  expect(arrow.schema.names).toEqual(keys)
  expect(keys.map((_, i) => arrow.getChildAt(i)?.get(0))).toEqual([0, 1, 2, 3, 4, 5, 6])
})

test('every form gives converted values when they are asked for', async () => {
  const query = 'parameters=Time,FL1-A&limit=40&scale=linear&compensated=true'
  const { events } = (await get(query)).body.data
  const stored = (await get('parameters=Time,FL1-A&limit=40')).body.data.events
  expect(events).not.toEqual(stored)
  expect(lines((await get(`${query}&format=ndjson`)).text).map((line) => JSON.parse(line))).toEqual(
    events,
  )
  const [, ...rows] = lines((await get(`${query}&format=csv`)).text)
  expect(rows.map((row) => row.split(',').map(Number))).toEqual(events.map(Object.values))
  const converted = await table(query)
  expect(converted.toArray().map((row) => row.toJSON())).toEqual(events)
})
