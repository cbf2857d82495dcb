import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createQuantiles } from '../../src/fcs/quantiles.ts'

/** Everything in pieces of this length, in as many passes as are asked for. */
function measure(columns: number[][], quantiles: number[], piece: number) {
  const measuring = createQuantiles(columns.length, quantiles)
  const length = columns[0]?.length ?? 0
  do {
    for (let at = 0; at < length; at += piece) {
      measuring.add(columns.map((column) => Float64Array.from(column.slice(at, at + piece))))
    }
  } while (measuring.endPass())
  return measuring.results()
}

/** Type 7 of Hyndman and Fan over sorted values, the plain way. */
function plain(values: number[], quantile: number): number | null {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b)
  if (sorted.length === 0) return null
  const at = (sorted.length - 1) * quantile
  const lower = sorted[Math.floor(at)] ?? Number.NaN
  const upper = sorted[Math.ceil(at)] ?? Number.NaN
  return lower === upper ? lower : lower + (upper - lower) * (at - Math.floor(at))
}

const value = fc.oneof(
  fc.double({ min: -1e9, max: 1e9 }),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324),
)
const quantile = fc.double({ min: 0, max: 1, noNaN: true })

test('quantiles are those of all values sorted, however the values are cut into blocks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(value, value), { maxLength: 60 }),
      fc.array(quantile, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 70 }),
      (rows, asked, piece) => {
        const columns = [rows.map(([one]) => one), rows.map(([, other]) => other)]
        const quantiles = [0, 0.5, 1, ...asked]
        for (const [i, found] of measure(columns, quantiles, piece).entries()) {
          const values = columns[i] ?? []
          expect(found.moments.count).toBe(values.filter(Number.isFinite).length)
          for (const [q, at] of quantiles.entries()) {
            const expected = plain(values, at)
            const got = found.quantiles[q] ?? null
            if (expected === null || got === null) expect(got).toBe(expected)
            else expect(Math.abs(got - expected)).toBeLessThanOrEqual(1e-12 * 1e9)
          }
        }
      },
    ),
    { numRuns: 60 },
  )
})

test('numpy says the same of ten values', () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3.5]
  const [found] = measure([values], [0.05, 0.25, 0.5, 0.95, 1], 3)
  // numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6, 5, 3.5], [0.05, 0.25, 0.5, 0.95, 1])
  for (const [i, expected] of [1, 2.25, 3.75, 7.65, 9].entries()) {
    expect(found?.quantiles[i]).toBeCloseTo(expected, 12)
  }
})

/** So many that the selection takes narrower digits, and more passes. */
const MANY = Array.from({ length: 97 }, (_, i) => i / 97)

test('equal values have exactly that value at every quantile', () => {
  const [found] = measure([Array.from({ length: 10 }, () => 0.1)], MANY, 4)
  expect(found?.quantiles).toEqual(MANY.map(() => 0.1))
})

test('infinities are left out beside the greatest of finite values too', () => {
  const { POSITIVE_INFINITY, NEGATIVE_INFINITY } = Number
  const values = [1.7e308, NEGATIVE_INFINITY, -1.7e308, POSITIVE_INFINITY, NEGATIVE_INFINITY]
  const [found] = measure([values], [...MANY, 1], 2)
  expect([found?.quantiles[0], found?.quantiles.at(-1)]).toEqual([-1.7e308, 1.7e308])
})
