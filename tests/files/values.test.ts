import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'
import { integers } from '../kit/fcs-examples.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'
import { cytometrist, naive } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
})
afterAll(() => api.close())

const file = (spec: FcsSpec) => me.file(new Uint8Array(writeFcs(spec)))
const get = (what: string, id: string) => me.get(`/api/v1/fcs/${what}?file_id=${id}`)
const events = async (id: string) => (await get('events', id)).body.data

test('what JSON has no number for is null in events, left out of statistics, and counted', async () => {
  const columns = [
    [Number.NaN, 1, Number.POSITIVE_INFINITY, 3, Number.NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN],
  ]
  const id = await file({ parameters: [{ name: 'A' }, { name: 'B' }], columns })
  expect((await events(id)).events.map(({ A }: { A: number | null }) => A)).toEqual([
    null,
    1,
    null,
    3,
    null,
  ])
  const { statistics } = (await get('statistics', id)).body.data
  expect(statistics).toMatchObject([
    { parameter: 'A', min: 1, max: 3, mean: 2, median: 2, std: 1, count: 2, non_finite: 3 },
    { min: null, max: null, mean: null, median: null, std: null, count: 0, non_finite: 5 },
  ])
})

const wide = [
  [0, 1.5, -2.25, 16777215],
  [3.4028234663852886e38, 1e-45, -0.5, 7],
].map((column) => column.map(Math.fround))
const double = [
  [0.1, Math.PI, -1e30, 5e-324],
  [1, 2, 3, 4],
]
const whole = [
  [0, 1, 65535, 258],
  [1, 2, 3, 1023],
]
const TYPES: [string, FcsSpec, number[][]][] = (['little', 'big'] as const).flatMap((byteOrder) => [
  [
    `float32, ${byteOrder}`,
    { byteOrder, parameters: [{ name: 'FL1-H' }, { name: 'FL2-H' }], columns: wide },
    wide,
  ],
  [
    `float64, ${byteOrder}`,
    {
      byteOrder,
      datatype: 'D',
      parameters: [{ name: 'FL1-H' }, { name: 'FL2-H' }],
      columns: double,
    },
    double,
  ],
  [`16-bit integers, ${byteOrder}`, { byteOrder, ...integers(16, 65536, whole) }, whole],
  [`32-bit integers, ${byteOrder}`, { byteOrder, ...integers(32, 2 ** 32, whole) }, whole],
])

test.each(TYPES)(
  '%s come as the numbers that the file stores, with their statistics',
  async (_, spec, columns) => {
    const id = await file(spec)
    const got: Record<string, number>[] = (await events(id)).events
    expect(['FL1-H', 'FL2-H'].map((name) => got.map((event) => event[name]))).toEqual(columns)
    const { statistics } = (await get('statistics', id)).body.data
    for (const [i, column] of columns.entries()) {
      const { mean, std, ...exact } = naive(column)
      expect(statistics[i]).toMatchObject({ ...exact, count: column.length, non_finite: 0 })
    }
  },
)

test('a file without events has parameters, no events and no statistics', async () => {
  const id = await file({ parameters: [{ name: 'A' }], columns: [[]] })
  expect(await events(id)).toEqual({ total_events: 0, limit: 100, offset: 0, events: [] })
  const [row] = (await get('statistics', id)).body.data.statistics
  expect(row).toMatchObject({ min: null, max: null, mean: null, median: null, std: null, count: 0 })
})
