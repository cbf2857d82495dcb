import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'
import { cytometrist, naive } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
})
afterAll(() => api.close())

const MARKERS = [
  ...['TCRgd FITC', 'CD4 PE', 'CD2 ECD', 'CD56 PC5.5', 'CD5 PC7', 'CD34 APC', 'CD7 APC-A700'],
  ...['CD8 APC-A750', 'CD3 PB450', 'CD45 KO525'],
]
/** The panel of the contract's section 9: name, label, range and display of each channel. */
const PANEL = [
  ...['FSC-H', 'FSC-A', 'SSC-H', 'SSC-A'].map((name) => [name, name, 16777215, 'LIN']),
  ...MARKERS.flatMap((marker, i) =>
    ['H', 'A'].map((kind) => [`FL${i + 1}-${kind}`, `${marker}-${kind}`, 16777215, 'LOG']),
  ),
  ['FSC-Width', 'FSC-Width', 10000, 'LIN'],
  ['Time', 'Time', 900000000, 'LIN'],
]
const NAMES = PANEL.map(([name]) => String(name))

test('without a file the parameters are the sample’s panel, in order from 1', async () => {
  const { data } = (await me.get('/api/v1/fcs/parameters')).body
  expect([data.total_events, data.total_parameters]).toEqual([34297, 26])
  expect(data.parameters).toMatchObject(
    PANEL.map(([pnn, pns, range, display], i) => ({ index: i + 1, pnn, pns, range, display })),
  )
})

test('without a file the events are the sample’s, a hundred from the first, all channels', async () => {
  const { data } = (await me.get('/api/v1/fcs/events')).body
  expect([data.total_events, data.limit, data.offset, data.events.length]).toEqual([
    34297, 100, 0, 100,
  ])
  for (const event of data.events) {
    expect(Object.keys(event)).toEqual(NAMES)
    expect(Object.values(event).every(Number.isFinite)).toBe(true)
  }
})

test('statistics of every channel are those of all its values at once', async () => {
  const columns = new Map(NAMES.map((name) => [name, Array.of<number>()]))
  for (let offset = 0; offset < 34297; offset += 1000) {
    const { events } = (await me.get(`/api/v1/fcs/events?limit=1000&offset=${offset}`)).body.data
    for (const event of events) for (const name of NAMES) columns.get(name)?.push(event[name])
  }
  const { data } = (await me.get('/api/v1/fcs/statistics')).body
  expect(data.total_events).toBe(34297)
  expect(data.statistics.map((row: { parameter: string }) => row.parameter)).toEqual(NAMES)
  for (const [i, row] of data.statistics.entries()) {
    const [name, pns, , display] = PANEL[i] ?? []
    const { mean, std, ...exact } = naive(columns.get(String(name)) ?? [])
    expect(row).toMatchObject({ pns, display, count: 34297, non_finite: 0, ...exact })
    const scale = Math.max(Math.abs(exact.min), Math.abs(exact.max))
    expect(Math.abs(row.mean - mean) / scale).toBeLessThan(1e-12)
    expect(Math.abs(row.std - std) / scale).toBeLessThan(1e-12)
  }
})
