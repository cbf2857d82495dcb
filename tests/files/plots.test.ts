import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'
import { small } from '../kit/fcs-examples.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { cytometrist } from './kit.ts'

const HISTOGRAM = '/api/v1/fcs/histogram'
const DENSITY = '/api/v1/fcs/density'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
let file: string
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
  const values = [-5, 0, 1, 9, 10, 99, 100, 1000, Number.NaN, Number.POSITIVE_INFINITY]
  file = await me.file(
    new Uint8Array(
      writeFcs({
        parameters: [
          { name: 'FL1-A', range: 1000 },
          { name: 'FSC-A', range: 10, keywords: { G: '2' } },
        ],
        columns: [values, values.map((_, i) => i)],
        keywords: { SPILL: '2,FL1-A,FSC-A,1,0,0.5,1' },
      }),
    ),
  )
})
afterAll(() => api.close())

const sum = (counts: number[]) => counts.reduce((all, count) => all + count, 0)
const data = async (path: string) => {
  const answer = await me.get(path)
  expect(answer.status).toBe(200)
  return answer.body.data
}

test('a histogram spans the finite values and counts every event once', async () => {
  const found = await data(`${HISTOGRAM}?file_id=${file}&parameter=FL1-A&bins=3`)
  expect(found).toEqual({
    total_events: 10,
    parameter: 'FL1-A',
    transform: { name: 'linear' },
    edges: [-5, 330, 665, 1000],
    counts: [7, 0, 1],
    below: 0,
    above: 0,
    non_finite: 2,
  })
})

test('on a logarithmic axis a decade takes as many bins as the next, and what is not positive is below', async () => {
  const query = 'parameter=FL1-A&bins=3&transform=log&min=1&max=1000'
  const found = await data(`${HISTOGRAM}?file_id=${file}&${query}`)
  expect(found.counts).toEqual([2, 2, 2])
  expect([found.below, found.above, found.non_finite]).toEqual([2, 0, 2])
  const [, ten, hundred] = found.edges
  expect([ten, hundred].map(Math.round)).toEqual([10, 100])
})

test('without ends a logarithmic axis leaves out the values that it has no place for', async () => {
  const found = await data(`${HISTOGRAM}?file_id=${file}&parameter=FL1-A&transform=log`)
  expect([found.edges.length, found.edges.at(-1)]).toEqual([257, 1000])
  expect(found.edges[0]).toBeGreaterThan(0)
  expect([found.below, sum(found.counts)]).toEqual([2, 6])
})

test('an asinh axis tells its cofactor', async () => {
  const found = await data(`${HISTOGRAM}?file_id=${file}&parameter=FL1-A&transform=asinh&bins=2`)
  expect(found.transform).toEqual({ name: 'asinh', cofactor: 150 })
  const middle = (Math.asinh(-5 / 150) + Math.asinh(1000 / 150)) / 2
  expect(found.edges[1]).toBeCloseTo(150 * Math.sinh(middle), 9)
})

test('a logicle axis reaches to $PnR, unless T says otherwise', async () => {
  const path = `${HISTOGRAM}?file_id=${file}&parameter=FL1-A&transform=logicle&bins=4&W=1&M=4`
  const found = await data(path)
  expect(found.transform).toEqual({ name: 'logicle', T: 1000, W: 1, M: 4, A: 0 })
  // Gating-ML publishes 0 at a quarter of this scale, and 1000 at its end.
  expect([found.edges[1], found.edges[4]].map((edge) => Math.round(edge * 1e6) / 1e6)).toEqual([
    0, 1000,
  ])
  expect((await data(`${path}&T=50`)).above).toBe(3)
})

test('a density counts pairs of values, row after row of y', async () => {
  const query = 'x=FL1-A&y=FSC-A&bins=2&x_min=-10&x_max=10&y_min=0&y_max=8'
  const found = await data(`${DENSITY}?file_id=${file}&${query}`)
  expect(found).toEqual({
    total_events: 10,
    x: { parameter: 'FL1-A', transform: { name: 'linear' }, edges: [-10, 0, 10] },
    y: { parameter: 'FSC-A', transform: { name: 'linear' }, edges: [0, 4, 8] },
    // (-5, 0); (0, 1), (1, 2), (9, 3); nothing; (10, 4).
    counts: [1, 3, 0, 1],
    outside: 3,
    non_finite: 2,
  })
})

test('each axis of a density may have its own transform', async () => {
  const query = 'x=FSC-A&y=FL1-A&transform=logicle&x_transform=linear'
  const { x, y, counts } = await data(`${DENSITY}?file_id=${file}&${query}`)
  expect([x.transform.name, y.transform.name]).toEqual(['linear', 'logicle'])
  expect([x.edges.length, counts.length]).toEqual([129, 128 * 128])
})

test('a plot is of scaled and compensated values when asked, within their own ends', async () => {
  const path = `${HISTOGRAM}?file_id=${file}&bins=1&parameter=`
  expect((await data(`${path}FSC-A&scale=linear`)).edges).toEqual([0, 4.5])
  const compensated = await data(`${path}FL1-A&compensated=true`)
  // The stored values less half of FSC-A's.
  expect(compensated.edges).toEqual([-5, 1000 - 3.5])
})

test('without a file the plots are the sample’s, in a few kilobytes', async () => {
  const histogram = await me.get(`${HISTOGRAM}?parameter=FL2-A&transform=logicle`)
  const { counts, below, above, total_events } = histogram.body.data
  expect([counts.length, sum(counts) + below + above, total_events]).toEqual([256, 34297, 34297])
  expect(histogram.text.length).toBeLessThan(10_000)
  const density = await data(`${DENSITY}?x=FSC-A&y=SSC-A&compensated=true`)
  expect(sum(density.counts) + density.outside).toBe(34297)
})

test('a channel without a finite value has an empty histogram', async () => {
  const columns = [
    [Number.NaN, Number.NaN],
    ...small.columns.slice(1).map((column) => [column[0] ?? 0, 1]),
  ]
  const id = await me.file(new Uint8Array(writeFcs({ ...small, columns })))
  for (const transform of ['linear', 'log', 'asinh', 'logicle']) {
    const found = await data(
      `${HISTOGRAM}?file_id=${id}&parameter=FSC-A&transform=${transform}&bins=2`,
    )
    expect([found.counts, found.non_finite]).toEqual([[0, 0], 2])
    expect(found.edges.every(Number.isFinite)).toBe(true)
  }
})

test.each([
  ['bins=10', 'parameter'],
  ['parameter=NOPE', 'parameter'],
  ['parameter=FL1-A&bins=0', 'bins'],
  ['parameter=FL1-A&bins=1025', 'bins'],
  ['parameter=FL1-A&transform=biex', 'transform'],
  ['parameter=FL1-A&min=1e', 'min'],
  ['parameter=FL1-A&max=Infinity', 'max'],
  ['parameter=FL1-A&min=5&max=5', 'max'],
  ['parameter=FL1-A&transform=log&min=0&max=5', 'min'],
  ['parameter=FL1-A&transform=asinh&cofactor=0', 'cofactor'],
  ['parameter=FL1-A&transform=logicle&T=0', 'T'],
  ['parameter=FL1-A&transform=logicle&W=9', 'W'],
  ['parameter=FL1-A&transform=logicle&M=-1', 'M'],
  ['parameter=FL1-A&transform=logicle&A=9', 'A'],
  ['parameter=FL1-A&scale=log', 'scale'],
  ['parameter=FL1-A&compensated=yes', 'compensated'],
])('a histogram of %s is refused for its %s', async (query, field) => {
  const answer = await me.get(`${HISTOGRAM}?${query}`)
  expect(answer.status).toBe(422)
  expect(answer.body.data.errors).toEqual([expect.objectContaining({ field })])
})

test.each([
  ['x=FL1-A', 'y'],
  ['x=FL1-A&y=NOPE', 'y'],
  ['x=FL1-A&y=FL2-A&bins=513', 'bins'],
  ['x=FL1-A&y=FL2-A&y_min=2&y_max=1', 'y_max'],
  ['x=FL1-A&y=FL2-A&x_transform=log&x_min=-1&x_max=1', 'x_min'],
])('a density of %s is refused for its %s', async (query, field) => {
  const answer = await me.get(`${DENSITY}?${query}`)
  expect(answer.status).toBe(422)
  expect(answer.body.data.errors).toEqual([expect.objectContaining({ field })])
})

test('plots are for those who may analyze, of their own files', async () => {
  const { token } = await api.token(me.user, ['fcs:write'])
  const other = await cytometrist(api)
  for (const path of [`${HISTOGRAM}?parameter=FL1-A`, `${DENSITY}?x=FL1-A&y=FSC-A`]) {
    expect((await api.call('GET', path, { bearer: token })).status).toBe(403)
    for (const id of [file, 'malformed', crypto.randomUUID()]) {
      expect((await other.get(`${path}&file_id=${id}`)).status).toBe(404)
    }
  }
})
