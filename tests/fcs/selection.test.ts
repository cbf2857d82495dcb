import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createSelection } from '../../src/fcs/selection.ts'

/** So many that each of them may keep 256 values only: a few hundred are many then. */
const SEARCHES = 8192

/** The values at these ranks, and how many passes it took. */
function select(values: number[], ranks: number[], isSingle: boolean) {
  const selection = createSelection(SEARCHES, isSingle)
  const column = Float64Array.from(values)
  let passes = 0
  do {
    for (let at = 0; at < column.length; at += 100) {
      const part = column.slice(at, at + 100)
      selection.add(0, part, part.length)
    }
    passes++
  } while (selection.endPass((search) => (search === 0 ? ranks : [])))
  return { found: selection.found(0), passes }
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const many = { maxLength: 6000, size: 'max' } as const
const columns = fc.oneof(
  fc.array(finite, many),
  fc.array(fc.integer({ min: 0, max: 3 }), many),
  fc
    .array(fc.float({ noNaN: true, noDefaultInfinity: true }), many)
    .map((values) => values.toSorted((a, b) => a - b)),
  fc.array(fc.integer(), many).map((values) => values.toSorted((a, b) => b - a)),
)

test('values are found by their rank, whatever they are and in whatever order they come', () => {
  fc.assert(
    fc.property(
      columns,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.boolean(),
      (values, share, isPair) => {
        fc.pre(values.length > 0)
        const rank = Math.floor(share * (values.length - 1))
        const ranks = isPair && rank + 1 < values.length ? [rank, rank + 1] : [rank]
        const sorted = values.toSorted((a, b) => a - b)
        // 0 and -0 are one value.
        expect(select(values, ranks, false).found.map((value) => value + 0)).toEqual(
          ranks.map((at) => (sorted[at] ?? Number.NaN) + 0),
        )
      },
    ),
    { numRuns: 200 },
  )
})

test('few values are found in one pass, very many in a few', () => {
  const rising = Array.from({ length: 20_000 }, (_, i) => i)
  expect(select(rising.slice(0, 256), [128], true)).toEqual({ found: [128], passes: 1 })
  const { found, passes } = select(rising, [9_999, 10_000], true)
  expect(found).toEqual([9_999, 10_000])
  expect(passes).toBeLessThan(8)
})

test('the same value over and over is found, however often it comes', () => {
  const equal = Array.from({ length: 5000 }, () => 7)
  expect(select(equal, [2499, 2500], true).found).toEqual([7, 7])
})
