/**
 * `t`: top of scale, `w`: decades of the linear part around zero, `m`: decades of the whole scale, were it
 * logarithmic, `a`: decades of negative values beyond that.
 */
export type LogicleParameters = { t: number; w: number; m: number; a: number }

export type Logicle = {
  /** From a value to its place on the axis: 0 is the lower end, 1 is `t`. */
  scale(value: number): number
  inverse(place: number): number
}

// Enough for a linear part of five decades, the widest that `logicleProblem` allows.
const TERMS = 24
const MOST_STEPS = 100

/** What its parameters must satisfy, as a sentence; null when they do. */
export function logicleProblem({ t, w, m, a }: LogicleParameters): string | null {
  if (!(t > 0)) return 'T must be above 0'
  if (!(m > 0 && m <= 10)) return 'M must be above 0, and at most 10'
  if (!(w >= 0 && 2 * w <= m)) return 'W must be from 0 to half of M'
  if (!(a >= -w && a <= m - 2 * w)) return 'A must be from -W to M - 2 W'
  return null
}

/**
 * The logicle scale after Moore and Parks (2012), Cytometry A 81A:273-277: the inverse of the biexponential
 * S(x) = a·e^(bx) - c·e^(-dx) + f, whose second derivative is zero where S is.
 */
export function createLogicle({ t, w, m, a: negative }: LogicleParameters): Logicle {
  const width = w / (m + negative)
  const x2 = negative / (m + negative)
  /** Where zero is; below it the scale mirrors what is above. */
  const x1 = x2 + width
  const b = (m + negative) * Math.LN10
  const d = solveD(b, width)
  // In units of `a`: c from S''(x1) = 0 and f from S(x1) = 0; then a from S(1) = t.
  const cShare = Math.exp((x1 + width) * (b + d))
  const fShare = Math.exp(b * x1) - cShare * Math.exp(-d * x1)
  const a = t / (Math.exp(b) - fShare - cShare * Math.exp(-d))
  const c = cShare * a
  const f = -fShare * a
  const taylor = taylorAt(x1, { a, b, c, d })
  /** Up to here the exponentials nearly cancel, and the series is the more exact. */
  const seriesEnd = x1 + width / 4

  const above = (x: number) =>
    x <= seriesEnd ? series(taylor, x - x1) : a * Math.exp(b * x) + f - c * Math.exp(-d * x)

  return {
    inverse: (place) => (place < x1 ? -above(2 * x1 - place) : above(place)),
    scale(value) {
      const size = Math.abs(value)
      if (size === 0) return x1
      let low = x1
      let high = size <= t ? 1 : Number.POSITIVE_INFINITY
      // As if the scale were linear, or as if it were logarithmic.
      const guess = size < f ? x1 + size / (taylor[0] ?? 1) : Math.log(size / a) / b
      let x = Math.min(Math.max(x1, guess), 1 + Math.max(0, Math.log(size / t)))
      for (let step = 0; step < MOST_STEPS; step++) {
        const up = a * b * Math.exp(b * x)
        const down = c * d * Math.exp(-d * x)
        const slope = up + down
        const miss = above(x) - size
        if (miss < 0) low = x
        else high = x
        // Halley's method, third order: the second derivative costs nothing more.
        const change = miss / (slope * (1 - (miss * (b * up - d * down)) / (2 * slope * slope)))
        const next = x - change
        const isInside = next >= low && next <= high
        x = isInside ? next : high < Number.POSITIVE_INFINITY ? (low + high) / 2 : x + 1
        if (Math.abs(change) < 4 * Number.EPSILON) break
      }
      return value < 0 ? 2 * x1 - x : x
    },
  }
}

/** The root of 2 (ln d - ln b) + w (b + d) = 0 between 0 and b, by Newton's method kept inside of a bracket. */
function solveD(b: number, w: number): number {
  if (w === 0) return b
  let low = 0
  let high = b
  let d = b / 2
  for (let step = 0; step < 200; step++) {
    const miss = 2 * Math.log(d / b) + w * (b + d)
    if (miss === 0) return d
    if (miss < 0) low = d
    else high = d
    const newton = d - miss / (2 / d + w)
    const next = newton > low && newton < high ? newton : (low + high) / 2
    if (Math.abs(next - d) <= 2 * Number.EPSILON * d) return next
    d = next
  }
  return d
}

/** Coefficients of the powers from the first on; S and its second derivative are zero at x1. */
function taylorAt(x1: number, { a, b, c, d }: { a: number; b: number; c: number; d: number }) {
  let up = a * Math.exp(b * x1)
  let down = -c * Math.exp(-d * x1)
  return Array.from({ length: TERMS }, (_, i) => {
    up *= b / (i + 1)
    down *= -d / (i + 1)
    return i === 1 ? 0 : up + down
  })
}

/** Sum of coefficient i times the power i + 1, by Horner's scheme. */
function series(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => (sum + coefficient) * x, 0)
}
