import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'
import { integers, small, smallEvents } from '../kit/fcs-examples.ts'
import { writeDataSets, writeFcs } from '../kit/fcs-writer.ts'
import { cytometrist, FILES } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
let two: string
const counts = { ...integers(24, 1024, [[7, 1025, 9]]), analysis: '|GATE1|12|' }
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
  two = await me.file(new Uint8Array(writeDataSets([small, counts])))
})
afterAll(() => api.close())

const get = async (what: string, query: string) =>
  (await me.get(`/api/v1/fcs/${what}?${query}`)).body.data

test('a file shows all of its data sets, the first of them at the top as well', async () => {
  const { data } = (await me.get(`${FILES}/${two}`)).body
  expect(data.data_sets).toHaveLength(2)
  const [first, second] = data.data_sets
  expect(first).toMatchObject({ data_set: 1, offset: 0, total_events: 5, total_parameters: 3 })
  expect(first).toMatchObject({ version: data.version, keywords: data.keywords, warnings: [] })
  expect(second).toMatchObject({ data_set: 2, version: 'FCS3.1', total_events: 3 })
  expect(second.offset).toBe(writeDataSets([small]).length)
  expect(second.total_parameters).toBe(1)
  expect(second.keywords.$P1B).toBe('24')
  expect(second.analysis).toEqual({ GATE1: '12' })
  expect(second.warnings).toMatchObject([{ code: 'masked_values' }])
  expect([data.total_events, data.analysis]).toEqual([5, {}])
})

test('data_set chooses what parameters, events and statistics are read of', async () => {
  const names = ({ parameters }: { parameters: { pnn: string }[] }) => parameters.map((p) => p.pnn)
  for (const query of [`file_id=${two}`, `file_id=${two}&data_set=1`]) {
    expect(names(await get('parameters', query))).toEqual(['FSC-A', 'FL1-A', 'Time'])
    const { events } = await get('events', query)
    expect(events.map((event: object) => Object.values(event))).toEqual(smallEvents)
    expect((await get('statistics', query)).statistics[0]).toMatchObject({ max: 100, masked: 0 })
  }
  const query = `file_id=${two}&data_set=2`
  expect(names(await get('parameters', query))).toEqual(['FL1-H'])
  expect(await get('events', `${query}&offset=1`)).toMatchObject({
    total_events: 3,
    events: [{ 'FL1-H': 1 }, { 'FL1-H': 9 }],
  })
  expect(await get('statistics', query)).toMatchObject({
    total_events: 3,
    statistics: [{ parameter: 'FL1-H', min: 1, max: 9, median: 7, count: 3, masked: 1 }],
  })
})

test.each(['parameters', 'events', 'statistics'])(
  '%s of a data set that is not there are 422, and the answer names the field',
  async (what) => {
    for (const query of [
      ...[`file_id=${two}&data_set=3`, `file_id=${two}&data_set=0`, 'data_set=2'],
      ...['data_set=x', 'data_set=', 'data_set=1.5', 'data_set=-1', 'data_set=1001'],
    ]) {
      const answer = await me.get(`/api/v1/fcs/${what}?${query}`)
      expect([query, answer.status]).toEqual([query, 422])
      expect(answer.body.data.errors[0].field).toBe('data_set')
    }
    expect((await me.get(`/api/v1/fcs/${what}?data_set=1`)).status).toBe(200)
  },
)

test('integers that a double would round are decimal text, the rest are numbers', async () => {
  const values = [0n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]
  const file = writeFcs({
    ...{ datatype: 'I', columns: [values] },
    parameters: [{ name: 'Time', bits: 64, range: 2n ** 64n }],
  })
  const id = await me.file(new Uint8Array(file))
  const { events } = await get('events', `file_id=${id}`)
  expect(events.map(({ Time }: { Time: number | string }) => Time)).toEqual([
    ...[0, Number.MAX_SAFE_INTEGER],
    ...['9007199254740992', '9007199254740993', '18446744073709551615'],
  ])
  const { statistics } = await get('statistics', `file_id=${id}`)
  expect(statistics[0]).toMatchObject({ min: 0, max: 2 ** 64, median: 2 ** 53 })
})
