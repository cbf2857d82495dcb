import { type Batch, keepFinite } from './batch.ts'
import { addBatch, createMoments, type Moments } from './moments.ts'
import { createSelection } from './selection.ts'

/** Larger and the rounding errors of one batch's sums would add up. */
const BATCH = 4096

/** Where a quantile lies among `count` values in order: `share` of the way from `rank` to the next. */
function placeOf(quantile: number, count: number): { rank: number; share: number } {
  const at = (count - 1) * quantile
  return { rank: Math.floor(at), share: at - Math.floor(at) }
}

function ranksOf(quantile: number, count: number): number[] {
  if (count === 0) return []
  const { rank, share } = placeOf(quantile, count)
  return share > 0 ? [rank, rank + 1] : [rank]
}

/**
 * Moments and exact quantiles of columns of doubles, in bounded memory: all blocks are added once, and again for as
 * long as `endPass` says so. A quantile between two values is interpolated linearly between them (Hyndman and Fan's
 * type 7, numpy's default). Values that are not finite are left out.
 */
export function createQuantiles(columns: number, quantiles: readonly number[]) {
  const moments = Array.from({ length: columns }, createMoments)
  const selection = createSelection(columns * quantiles.length, false)
  const index = (column: number, q: number) => column * quantiles.length + q
  const batch: Batch = { length: 0, values: new Float64Array(BATCH), masked: 0 }
  let isFirst = true

  return {
    add(block: readonly Float64Array[]): void {
      for (const [column, values] of block.entries()) {
        const state = moments[column]
        if (state === undefined) continue
        for (let from = 0; from < values.length; from += BATCH) {
          const part = values.subarray(from, from + BATCH)
          batch.values.set(part)
          batch.length = part.length
          if (isFirst) addBatch(state, batch)
          else if (state.nonFinite > 0) keepFinite(batch)
          for (let q = 0; q < quantiles.length; q++) {
            selection.add(index(column, q), batch.values, batch.length)
          }
        }
      }
    },
    /** True when every block must be added once more. */
    endPass(): boolean {
      isFirst = false
      return selection.endPass((i) => {
        const count = moments[Math.floor(i / quantiles.length)]?.count ?? 0
        return ranksOf(quantiles[i % quantiles.length] ?? 0, count)
      })
    },
    /** Of each column, once no pass is left. Quantiles are in the order asked for, null without a value. */
    results(): { moments: Moments; quantiles: (number | null)[] }[] {
      return moments.map((found, column) => ({
        moments: found,
        quantiles: quantiles.map((quantile, q) => {
          const [lower, upper = lower] = selection.found(index(column, q))
          if (lower === undefined || upper === undefined) return null
          const { share } = placeOf(quantile, found.count)
          // + 0: JSON has no -0.
          return (lower === upper ? lower : lower * (1 - share) + upper * share) + 0
        }),
      }))
    },
  }
}
