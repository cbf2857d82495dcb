import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createLogicle, logicleProblem } from '../../src/fcs/logicle.ts'

/** Gating-ML 2.0 (ISAC, 2013), table 8: value, then its place for (W, M, A) = (1,4,0), (1,4,1) and (0,4,1), T = 1000. */
const PUBLISHED = [
  [-10, 0.067574, 0.254059, -0.200009],
  [-5, 0.147986, 0.318389, -0.139829],
  [-1, 0.228752, 0.383001, -0.000856],
  [0, 0.25, 0.4, 0.2],
  [0.3, 0.256384, 0.405107, 0.303776],
  [1, 0.271248, 0.416999, 0.400856],
  [3, 0.312897, 0.450318, 0.495521],
  [10, 0.432426, 0.545941, 0.600009],
  [100, 0.739548, 0.791638, 0.8],
  [1000, 1, 1, 1],
] as const

test('places are those that Gating-ML publishes, to all their digits', () => {
  const scales = [
    { w: 1, m: 4, a: 0 },
    { w: 1, m: 4, a: 1 },
    { w: 0, m: 4, a: 1 },
  ].map((more) => createLogicle({ t: 1000, ...more }))
  for (const [value, ...places] of PUBLISHED) {
    for (const [i, place] of places.entries()) {
      expect(Math.abs((scales[i]?.scale(value) ?? Number.NaN) - place)).toBeLessThan(6e-7)
    }
  }
})

const parameters = fc
  .record({
    t: fc.double({ min: 1, max: 1e8, noNaN: true }),
    m: fc.double({ min: 0.5, max: 10, noNaN: true }),
    wide: fc.double({ min: 0, max: 0.5, noNaN: true }),
    more: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ t, m, wide, more }) => ({ t, m, w: wide * m, a: more * (m - 2 * wide * m) }))
  .filter((given) => logicleProblem(given) === null)
const place = fc.double({ min: 0, max: 1, noNaN: true })

test('from a place to its value and back is the same place', () => {
  fc.assert(
    fc.property(parameters, place, (given, at) => {
      const { scale, inverse } = createLogicle(given)
      expect(Math.abs(scale(inverse(at)) - at)).toBeLessThan(1e-12)
    }),
  )
})

test('a greater value has a greater place', () => {
  fc.assert(
    fc.property(parameters, place, place, (given, one, other) => {
      fc.pre(Math.abs(one - other) > 1e-9)
      const { inverse } = createLogicle(given)
      expect(inverse(Math.max(one, other))).toBeGreaterThan(inverse(Math.min(one, other)))
    }),
  )
})

test('the top of scale is at 1, zero at (W + A) / (M + A), and below zero the scale mirrors itself', () => {
  fc.assert(
    fc.property(parameters, place, (given, at) => {
      const { scale, inverse } = createLogicle(given)
      const { t, w, m, a } = given
      const zero = (w + a) / (m + a)
      expect(Math.abs(inverse(1) / t - 1)).toBeLessThan(1e-9)
      expect(Math.abs(scale(0) - zero)).toBeLessThan(1e-12)
      // Exactly: there the exponentials cancel, and their difference would leave rounding errors.
      expect(Math.abs(inverse(scale(0)))).toBe(0)
      const above = zero + at * (1 - zero)
      expect(Math.abs(inverse(2 * zero - above) + inverse(above))).toBeLessThan(1e-9 * t)
    }),
  )
})

test('values beyond the top of scale have their place too', () => {
  const { scale, inverse } = createLogicle({ t: 262144, w: 0.5, m: 4.5, a: 0 })
  for (const value of [3e5, 1e7, 1e30, -1e30]) {
    expect(Math.abs(inverse(scale(value)) / value - 1)).toBeLessThan(1e-9)
  }
})

test.each([
  [{ t: 0, w: 0.5, m: 4.5, a: 0 }, 'T'],
  [{ t: 1, w: 0.5, m: 0, a: 0 }, 'M'],
  [{ t: 1, w: 0.5, m: 11, a: 0 }, 'M'],
  [{ t: 1, w: -0.1, m: 4.5, a: 0 }, 'W'],
  [{ t: 1, w: 2.3, m: 4.5, a: 0 }, 'W'],
  [{ t: 1, w: 0.5, m: 4.5, a: -0.6 }, 'A'],
  [{ t: 1, w: 0.5, m: 4.5, a: 3.6 }, 'A'],
  [{ t: Number.NaN, w: 0.5, m: 4.5, a: 0 }, 'T'],
])('%j has no logicle scale, for its %s', (given, letter) => {
  expect(logicleProblem(given)).toStartWith(letter)
})
