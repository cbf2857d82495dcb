import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'
import { small, smallEvents } from '../kit/fcs-examples.ts'
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
const get = (what: string, id: string, query = '') =>
  me.get(`/api/v1/fcs/${what}?file_id=${id}${query}`)
const events = async (id: string, query = '') => (await get('events', id, query)).body.data
const named = (...names: string[]) => `&parameters=${encodeURIComponent(names.join(','))}`
const rows = smallEvents.map(([a, b, c]) => ({ 'FSC-A': a, 'FL1-A': b, Time: c }))

test.each([
  ['', 100, 0, rows],
  ['&limit=1', 1, 0, rows.slice(0, 1)],
  ['&limit=2&offset=3', 2, 3, rows.slice(3)],
  ['&limit=3&offset=3', 3, 3, rows.slice(3)],
  ['&limit=1000&offset=4', 1000, 4, rows.slice(4)],
  ['&offset=5', 100, 5, []],
  ['&offset=6', 100, 6, []],
  ['&offset=1000000000000', 100, 1e12, []],
])(
  'a page of events with “%s” holds just what is there',
  async (query, limit, offset, expected) => {
    expect(await events(five, query)).toEqual({ total_events: 5, limit, offset, events: expected })
  },
)

test.each([
  ...['limit=0', 'limit=1001', 'limit=-1', 'limit=1.5', 'limit=1e2', 'limit=', 'limit=abc'],
  ...['limit=%201', 'limit=0x10', 'limit=9999999999999999', 'offset=-1', 'offset=1.5', 'offset='],
  ...['offset=9999999999999999', 'offset=NaN', `parameters=${'x'.repeat(20_001)}`],
])('events with %p are 422, and the answer names the field', async (query) => {
  const answer = await get('events', five, `&${query}`)
  expect(answer.status).toBe(422)
  expect(answer.body.data.errors[0].field).toBe(query.split('=')[0])
})

test('chosen parameters come in the order asked for, once each', async () => {
  expect((await events(five, named('Time', 'FSC-A', 'Time'))).events[1]).toEqual({
    Time: 3.75,
    'FSC-A': 100,
  })
  const text = (await get('events', five, `${named('Time', 'FSC-A')}&limit=1`)).text
  expect(text).toContain('{"Time":0,"FSC-A":1.5}')
  expect((await events(five, '&parameters=Time,%20FSC-A')).events).toHaveLength(5)
})

test.each([
  'nothing',
  'FSC-A,nothing',
  'fsc-a',
  '',
  ',',
  'FSC-A,',
  'FSC-A,,Time',
  'CD4 PE',
  '__proto__',
  'FSC-A;Time',
])('parameters “%s” name an unknown channel, and are 422', async (list) => {
  const answer = await get('events', five, `&parameters=${encodeURIComponent(list)}`)
  expect(answer.status).toBe(422)
  expect(answer.body.data.errors).toEqual([
    { field: 'parameters', rule: 'names of channels of this file' },
  ])
})

test('channels may have any name, and each is a key of its own', async () => {
  const given = [
    'A,B',
    'A',
    'B',
    '[1]',
    '{"x":1}',
    'A&B=C',
    '日本',
    'a b',
    'FL1-A',
    'FL1-A',
    'FL1-A#2',
  ]
  const odd = ['__proto__', 'constructor', 'toString', '1', '0', '"', '%41', '+', '#', '\\']
  const names = [...given, ...odd]
  const parameters = names.map((name) => ({ name }))
  const id = await file({ parameters, columns: names.map((_, i) => [i]), delimiter: '\f' })
  const { parameters: shown } = (await get('parameters', id)).body.data
  const keys: string[] = shown.map(({ pnn }: { pnn: string }) => pnn)
  expect(new Set(keys).size).toBe(names.length)
  expect(keys.toSpliced(9, 1)).toEqual(names.toSpliced(9, 1))
  expect(keys[9]).toStartWith('FL1-A#')

  const [event] = (await events(id)).events
  const expected = keys.map((key, i): [string, number] => [key, i])
  expect(Object.entries<number>(event).toSorted(([, a], [, b]) => a - b)).toEqual(expected)
  for (const [key, i] of expected) {
    const [one] = (await events(id, named(key))).events
    expect(Object.entries(one)).toEqual([[key, i]])
  }
  expect(Object.keys((await events(id, named('B', 'A,B', 'A'))).events[0]).toSorted()).toEqual([
    'A',
    'A,B',
    'B',
  ])
})

test('the second channel of a name is NAME#2, in parameters, events and statistics', async () => {
  const parameters = [{ name: 'A' }, { name: 'A' }, { name: 'A' }]
  const id = await file({ parameters, columns: [[1], [2], [3]] })
  const { data } = (await get('parameters', id)).body
  expect(data.parameters.map(({ pnn }: { pnn: string }) => pnn)).toEqual(['A', 'A#2', 'A#3'])
  expect((await events(id)).events).toEqual([{ A: 1, 'A#2': 2, 'A#3': 3 }])
  const { statistics } = (await get('statistics', id)).body.data
  expect(statistics.map(({ parameter }: { parameter: string }) => parameter)).toEqual([
    'A',
    'A#2',
    'A#3',
  ])
})

test('a query of thousands of names is answered as fast as it is read', async () => {
  const start = performance.now()
  expect((await events(five, `&parameters=${'Time,'.repeat(2999)}Time`)).events).toHaveLength(5)
  expect(performance.now() - start).toBeLessThan(1000)
})

test('a page whose JSON would not fit into memory is refused, and says how many events do', async () => {
  const parameters = Array.from({ length: 2000 }, (_, i) => ({ name: `${i}${'x'.repeat(1000)}` }))
  const id = await file({ parameters, columns: parameters.map(() => new Float32Array(200)) })
  const answer = await get('events', id, '&limit=1000')
  expect(answer.status).toBe(422)
  const most = Number(/at most (\d+) events/.exec(answer.body.message)?.[1])
  expect((await events(id, `&limit=${most}`)).events).toHaveLength(most)
  expect((await events(id, `&limit=1000${named(parameters[0]?.name ?? '')}`)).events).toHaveLength(
    200,
  )
})

test('a page that was read before is gone with its file', async () => {
  const id = await file(small)
  expect((await get('events', id)).status).toBe(200)
  await api.call('DELETE', `/api/v1/fcs/files/${id}`, { bearer: me.bearer })
  expect((await get('events', id)).status).toBe(404)
})
