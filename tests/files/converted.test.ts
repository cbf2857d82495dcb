import { afterAll, beforeAll, expect, test } from 'bun:test'
import { createConversion } from '../../src/fcs/conversion.ts'
import { convertedBlocks } from '../../src/files/converted.ts'
import { described } from '../fcs/described.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { small } from '../kit/fcs-examples.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { cytometrist, naive } from './kit.ts'

const STATISTICS = '/api/v1/fcs/statistics'
const EVENTS = '/api/v1/fcs/events'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
let file: string
/** Integers, one channel logarithmic, with a matrix of both fluorescence channels. */
let amplified: string
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
  file = await me.file()
  amplified = await me.file(
    new Uint8Array(
      writeFcs({
        datatype: 'I',
        parameters: [
          { name: 'FL1', bits: 16, range: 1024, keywords: { E: '4,0' } },
          { name: 'FL2', bits: 16, range: 1024, keywords: { G: '4' } },
          { name: 'Time', bits: 16, range: 65536 },
        ],
        columns: [
          [0, 256, 512],
          [40, 80, 400],
          [10, 20, 30],
        ],
        keywords: { $TIMESTEP: '0.5', $SPILLOVER: '2,FL1,FL2,1,0.5,0,1' },
      }),
    ),
  )
})
afterAll(() => api.close())

/** What was measured, and what FL1 leaves of FL2. */
const LINEAR = { FL1: [1, 10, 100], FL2: [10, 20, 100], Time: [5, 10, 15] }
const COMPENSATED = { ...LINEAR, FL2: [9.5, 15, 50] }

test.each([
  ['scale=linear', LINEAR],
  ['scale=linear&compensated=true', COMPENSATED],
])('events of %s', async (query, expected) => {
  const { events } = (await me.get(`${EVENTS}?file_id=${amplified}&${query}`)).body.data
  expect(events.length).toBe(3)
  for (const [i, event] of events.entries()) {
    expect(Object.keys(event)).toEqual(['FL1', 'FL2', 'Time'])
    for (const [name, values] of Object.entries(expected)) {
      expect(event[name]).toBeCloseTo(values[i] ?? Number.NaN, 9)
    }
  }
})

test.each([
  ['scale=linear', LINEAR],
  ['scale=linear&compensated=true', COMPENSATED],
])('statistics of %s', async (query, expected) => {
  const { statistics } = (await me.get(`${STATISTICS}?file_id=${amplified}&${query}`)).body.data
  for (const [i, [parameter, values]] of Object.entries(expected).entries()) {
    const row = statistics[i]
    expect(row).toMatchObject({ parameter, count: 3, non_finite: 0 })
    expect(row).not.toHaveProperty('percentiles')
    for (const [name, value] of Object.entries(naive(values))) {
      expect(row[name]).toBeCloseTo(value, 9)
    }
  }
})

test('a channel is compensated with channels that were not asked for', async () => {
  const query = 'scale=linear&compensated=true&parameters=FL2&offset=2'
  const { events } = (await me.get(`${EVENTS}?file_id=${amplified}&${query}`)).body.data
  expect(events).toEqual([{ FL2: expect.closeTo(50, 9) }])
})

test('percentiles come beside the statistics of the upload, which stay as they are', async () => {
  const plain = (await me.get(`${STATISTICS}?file_id=${file}`)).body.data.statistics
  const { statistics } = (await me.get(`${STATISTICS}?file_id=${file}&q=0,0.05,0.5,1`)).body.data
  expect(statistics.map(({ percentiles: _, ...row }: Record<string, unknown>) => row)).toEqual(
    plain,
  )
  // Of -0.25, 1, 1.5, 4 and 100: a twentieth is a fifth of the way from the first to the second.
  expect(statistics[0].percentiles).toEqual({
    0: -0.25,
    0.05: expect.closeTo(0, 12),
    0.5: 1.5,
    1: 100,
  })
})

test('percentiles of the whole sample are those of its values sorted', async () => {
  const { statistics } = (await me.get(`${STATISTICS}?q=0.05,0.95&compensated=true`)).body.data
  const row = statistics.find(({ parameter }: { parameter: string }) => parameter === 'FL2-A')
  const values: number[] = []
  for (let offset = 0; offset < 34297; offset += 1000) {
    const query = `parameters=FL2-A&compensated=true&limit=1000&offset=${offset}`
    for (const event of (await me.get(`${EVENTS}?${query}`)).body.data.events)
      values.push(event['FL2-A'])
  }
  const sorted = values.toSorted((a, b) => a - b)
  for (const quantile of [0.05, 0.95]) {
    const at = (sorted.length - 1) * quantile
    const [lower = 0, upper = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
    expect(row.percentiles[quantile]).toBeCloseTo(
      lower + (upper - lower) * (at - Math.floor(at)),
      6,
    )
  }
  expect(row.median).toBe(naive(values).median)
})

test('a channel without finite values has null percentiles', async () => {
  const columns = small.columns.map(() => [Number.NaN])
  const id = await me.file(new Uint8Array(writeFcs({ ...small, columns })))
  const { statistics } = (await me.get(`${STATISTICS}?file_id=${id}&q=0.5&scale=linear`)).body.data
  const nothing = {
    min: null,
    max: null,
    mean: null,
    median: null,
    std: null,
    count: 0,
    non_finite: 1,
  }
  for (const row of statistics)
    expect(row).toMatchObject({ ...nothing, percentiles: { 0.5: null } })
})

test.each(['', '1.1', '-0.1', '0.5,', 'x', Array(17).fill('0.5').join()])(
  'q=%s is refused',
  async (list) => {
    const answer = await me.get(`${STATISTICS}?q=${list}`)
    expect(answer.status).toBe(422)
    expect(answer.body.data.errors[0].field).toBe('q')
  },
)

test.each([
  ['no matrix', {}, 'no spillover matrix'],
  ['an unknown channel in it', { $SPILLOVER: '2,FSC-A,NOPE,1,0.1,0.02,1' }, 'does not have'],
  ['a singular one', { $SPILLOVER: '2,FSC-A,FL1-A,1,1,1,1' }, 'singular'],
])(
  'compensation with %s is refused with the reason, and names nothing of the file',
  async (_, keywords, reason) => {
    const id = await me.file(new Uint8Array(writeFcs({ ...small, keywords })))
    for (const path of [EVENTS, STATISTICS]) {
      const answer = await me.get(`${path}?file_id=${id}&compensated=true`)
      expect(answer.status).toBe(422)
      expect(answer.body.message).toContain(reason)
      expect(answer.text).not.toContain('NOPE')
    }
    expect((await me.get(`${EVENTS}?file_id=${id}`)).status).toBe(200)
  },
)

test('a logarithmic channel is compensated on the linear scale only', async () => {
  const answer = await me.get(`${EVENTS}?file_id=${amplified}&compensated=true`)
  expect([answer.status, answer.body.message]).toEqual([
    422,
    expect.stringContaining('scale=linear'),
  ])
})

test('nothing more is read for a client that has gone', async () => {
  const description = { ...(await described(small)), total_events: 10_000_000 }
  const conversion = createConversion(description, [0], { scale: 'raw', compensated: false })
  const client = new AbortController()
  let reads = 0
  const read = async (_: number, length: number) => {
    if (++reads === 2) client.abort()
    return new Uint8Array(length)
  }
  const request = new Request('http://test.local/', { signal: client.signal })
  const file = { source: { size: 2 ** 40, read }, description }
  const blocks = convertedBlocks(file, conversion, request)
  await expect(Array.fromAsync(blocks)).rejects.toThrow()
  expect(reads).toBe(2)
})

test('a page is the same each time, and another one for every other question', async () => {
  const queries = [
    ...['', '&limit=2', '&offset=1', '&limit=2&offset=1', '&scale=linear'],
    ...['&compensated=true', '&scale=linear&compensated=true'],
    ...['&parameters=FL1', '&parameters=FL2', '&parameters=FL2,FL1'],
  ]
  const texts = async () => {
    const answers = queries.map((query) => me.get(`${EVENTS}?file_id=${amplified}${query}`))
    return (await Promise.all(answers)).map(({ text }) => text)
  }
  const first = await texts()
  expect(new Set(first).size).toBe(queries.length)
  expect(await texts()).toEqual(first)
})
