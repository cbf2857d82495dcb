import { type Batch, keepFinite } from './batch.ts'
import { createSelection } from './median.ts'
import { addBatch, createMoments, type Moments } from './moments.ts'

/** Larger and the rounding errors of one batch's sums would add up. */
const BATCH = 4096

/** Where a quantile lies among `count` values in order: `share` of the way from `rank` to the next. */
function placeOf(quantile: number, count: number): { rank: number; share: number } {
  const at = (count - 1) * quantile
  return { rank: Math.floor(at), share: at - Math.floor(at) }
}

/**
 * Moments and exact quantiles of columns of doubles, in bounded memory: all blocks are added once, and again for as
 * long as `endPass` says so. A quantile between two values is interpolated linearly between them (Hyndman and Fan's
 * type 7, numpy's default). Values that are not finite are left out.
 */
export function createQuantiles(columns: number, quantiles: readonly number[]) {
  const moments = Array.from({ length: columns }, createMoments)
  // A channel of the selection for every pair: it finds two neighbours in each.
  const selection = createSelection(columns * quantiles.length, 64)
  const index = (column: number, quantile: number) => column * quantiles.length + quantile
  const batch: Batch = {
    length: 0,
    values: new Float64Array(BATCH),
    high: new Int32Array(BATCH),
    low: new Int32Array(BATCH),
    masked: 0,
  }
  let isFirst = true

  return {
    add(block: readonly Float64Array[]): void {
      for (const [column, values] of block.entries()) {
        const state = moments[column]
        if (state === undefined) continue
        for (let from = 0; from < values.length; from += BATCH) {
          fill(batch, values.subarray(from, from + BATCH))
          if (isFirst) addBatch(state, batch)
          else if (state.nonFinite > 0) keepFinite(batch)
          for (let q = 0; q < quantiles.length; q++) {
            if (selection.isOpen(index(column, q))) selection.add(index(column, q), batch)
          }
        }
      }
    },
    /** True when every block must be added once more. */
    endPass(): boolean {
      isFirst = false
      const counts = moments.flatMap(({ count }) =>
        quantiles.map((quantile) => {
          if (count === 0) return 0
          // The selection finds the middle: of this many of the smallest values, it is the rank wanted.
          const { rank, share } = placeOf(quantile, count)
          return 2 * rank + (share > 0 ? 2 : 1)
        }),
      )
      return selection.endPass(counts)
    },
    /** Of each column, once no pass is left. Quantiles are in the order asked for, null without a value. */
    results(): { moments: Moments; quantiles: (number | null)[] }[] {
      return moments.map((found, column) => ({
        moments: found,
        quantiles: quantiles.map((quantile, q) => {
          const [lower, upper = lower] = selection.keys(index(column, q)).map(valueOfKey)
          if (lower === undefined || upper === undefined) return null
          const { share } = placeOf(quantile, found.count)
          // + 0: JSON has no -0.
          return (lower === upper ? lower : lower * (1 - share) + upper * share) + 0
        }),
      }))
    },
  }
}

/** Fills a batch with values, and with keys that sort as they do: the sign bit turns the others round. */
function fill(batch: Batch, values: Float64Array): void {
  batch.length = values.length
  batch.values.set(values)
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
  for (let i = 0; i < values.length; i++) {
    const word = words[2 * i + 1] ?? 0
    batch.high[i] = word ^ ((word >> 31) | 0x80000000)
    batch.low[i] = (words[2 * i] ?? 0) ^ (word >> 31)
  }
}

/** The value of a key. */
function valueOfKey({ high, low }: { high: number; low: number }): number {
  const view = new DataView(new ArrayBuffer(8))
  const flip = high >= 0x80000000 ? 0 : -1
  view.setUint32(0, high ^ (flip | 0x80000000))
  view.setUint32(4, low ^ flip)
  return view.getFloat64(0)
}
