import { expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  asinh,
  binEdges,
  binOf,
  createDensity,
  createHistogram,
  linear,
  log,
} from '../../src/fcs/bins.ts'

test('edges are equally far from each other on their axis', () => {
  expect([...binEdges(linear, -1, 3, 4)]).toEqual([-1, 0, 1, 2, 3])
  const decades = [...binEdges(log, 1, 1000, 3)]
  for (const [i, edge] of [1, 10, 100, 1000].entries()) expect(decades[i]).toBeCloseTo(edge, 9)
  const places = [...binEdges(asinh(150), -1000, 262144, 7)].map((edge) => Math.asinh(edge / 150))
  for (let i = 2; i < places.length; i++) {
    const [before = 0, at = 0, after = 0] = places.slice(i - 2, i + 1)
    expect(after - at).toBeCloseTo(at - before, 9)
  }
})

const edgesOf = (values: number[]) => Float64Array.from(values).sort()

test('a value is in the bin whose lower edge is the last not above it, the greatest edge in the last', () => {
  const value = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(
    fc.property(fc.uniqueArray(value, { minLength: 2, maxLength: 40 }), value, (list, other) => {
      const edges = edgesOf(list)
      for (const one of [...list, other]) {
        const found = [...edges].filter((edge) => edge <= one).length - 1
        const isTop = one === edges[edges.length - 1]
        expect(binOf(edges, one)).toBe(isTop ? edges.length - 2 : found)
      }
    }),
  )
})

test('every event is counted once: in a bin, below, above, or as no finite value', () => {
  const histogram = createHistogram(Float64Array.of(0, 1, 2))
  histogram.add(Float64Array.of(-0.5, 0, -0, 0.9, 1, 2, 2.1, Number.NaN))
  histogram.add(Float64Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5))
  expect(histogram.result()).toEqual({ counts: [3, 3], below: 1, above: 1, non_finite: 3 })
})

test('densities count row after row of y, and each event once', () => {
  const density = createDensity(Float64Array.of(0, 1, 2, 3), Float64Array.of(0, 10, 20))
  density.add(Float64Array.of(0.5, 2.5, 2.5, 3, 9), Float64Array.of(5, 15, 15, 20, 5))
  density.add(Float64Array.of(1, Number.NaN, 1), Float64Array.of(-1, 5, Number.NEGATIVE_INFINITY))
  expect(density.result()).toEqual({ counts: [1, 0, 0, 0, 0, 3], outside: 2, non_finite: 2 })
})
