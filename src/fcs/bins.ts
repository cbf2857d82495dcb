/** Where values stand on an axis, and back; `place` may be minus infinity or NaN where the axis ends. */
export type AxisScale = { place(value: number): number; value(place: number): number }

export const linear: AxisScale = { place: (value) => value, value: (place) => place }

export const log: AxisScale = { place: Math.log10, value: (place) => 10 ** place }

/** Linear up to about the cofactor, logarithmic from there on. */
export const asinh = (cofactor: number): AxisScale => ({
  place: (value) => Math.asinh(value / cofactor),
  value: (place) => Math.sinh(place) * cofactor,
})

/** The `bins` + 1 edges, as values, of bins that are equally wide on the axis. */
export function binEdges(scale: AxisScale, min: number, max: number, bins: number): Float64Array {
  const first = scale.place(min)
  const last = scale.place(max)
  const edges = new Float64Array(bins + 1).fill(min)
  for (let i = 1; i < bins; i++) {
    const share = i / bins
    const edge = scale.value(first * (1 - share) + last * share)
    const before = edges[i - 1] ?? min
    // Rounding must not turn the order of two edges round.
    edges[i] = edge > before ? Math.min(max, edge) : before
  }
  edges[bins] = max
  return edges
}

/**
 * Which bin a finite value is in, from 0: -1 below the first, `edges.length - 1` above the last. A bin has its
 * lower edge and not its upper one; the last has both, as numpy's histogram.
 */
export function binOf(edges: Float64Array, value: number): number {
  const last = edges.length - 1
  if (value >= (edges[last] ?? 0)) return value === edges[last] ? last - 1 : last
  let low = -1
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((edges[middle] ?? 0) <= value) low = middle
    else high = middle
  }
  return low
}

/** Counts values by bin. */
export function createHistogram(edges: Float64Array) {
  const bins = edges.length - 1
  const counts = new Float64Array(bins)
  const outside = { below: 0, above: 0, non_finite: 0 }
  return {
    add(values: Float64Array): void {
      for (let i = 0; i < values.length; i++) {
        const value = values[i] ?? Number.NaN
        const bin = Number.isFinite(value) ? binOf(edges, value) : Number.NaN
        if (bin >= 0 && bin < bins) counts[bin] = (counts[bin] ?? 0) + 1
        else if (bin < 0) outside.below++
        else if (bin >= bins) outside.above++
        else outside.non_finite++
      }
    },
    result: () => ({ counts: [...counts], ...outside }),
  }
}

/** Counts pairs of values by the bins of both: `counts[row · columns + column]`, a row per bin of y. */
export function createDensity(x: Float64Array, y: Float64Array) {
  const columns = x.length - 1
  const rows = y.length - 1
  const counts = new Float64Array(columns * rows)
  const left = { outside: 0, non_finite: 0 }
  return {
    add(xs: Float64Array, ys: Float64Array): void {
      for (let i = 0; i < xs.length; i++) {
        const a = xs[i] ?? Number.NaN
        const b = ys[i] ?? Number.NaN
        if (!Number.isFinite(a) || !Number.isFinite(b)) {
          left.non_finite++
          continue
        }
        const column = binOf(x, a)
        const row = binOf(y, b)
        if (column < 0 || column >= columns || row < 0 || row >= rows) left.outside++
        else counts[row * columns + column] = (counts[row * columns + column] ?? 0) + 1
      }
    },
    result: () => ({ counts: [...counts], ...left }),
  }
}
