import { asDoubles, createAsciiReader } from './ascii.ts'
import { type Batch, keepFinite } from './batch.ts'
import { createBlocks } from './block.ts'
import { channelCount } from './format.ts'
import type { DataLayout } from './layout.ts'
import { addBatch, createMoments } from './moments.ts'
import { createSelection } from './selection.ts'

/** Over a channel's finite values, null when it has none; `std` is the population's. */
export type Measures = {
  min: number | null
  max: number | null
  mean: number | null
  median: number | null
  std: number | null
  count: number
  nonFinite: number
  /** How many integers had bits beyond their mask. */
  masked: number
}

/**
 * Measures every channel in bounded memory. All events are pushed once; then, for as long as
 * `endPass` says so, all of them again: the median is exact, and after one pass over many it is only
 * known where about it lies.
 */
export function createMeasurement(layout: DataLayout, totalEvents: number) {
  const format = layout.datatype === 'A' ? asDoubles(layout) : layout
  const channels = Array.from({ length: channelCount(format) }, () => {
    return { moments: createMoments(), masked: 0 }
  })
  const selection = createSelection(channels.length, format.datatype === 'F')

  const first = (channel: (index: number) => Batch) => {
    for (const [i, state] of channels.entries()) {
      const batch = channel(i)
      state.masked += batch.masked
      addBatch(state.moments, batch)
      selection.add(i, batch.values, batch.length)
    }
  }
  const again = (channel: (index: number) => Batch) => {
    for (const [i, { moments }] of channels.entries()) {
      if (!selection.isOpen(i)) continue
      const batch = channel(i)
      if (moments.nonFinite > 0) keepFinite(batch)
      selection.add(i, batch.values, batch.length)
    }
  }

  const createInput = (onBlock: typeof first) => {
    const blocks = createBlocks(format, onBlock)
    if (layout.datatype !== 'A') return { push: blocks.push, end: blocks.end }
    const reader = createAsciiReader(layout, totalEvents, blocks.push)
    const end = () => {
      ascii = reader.end()
      blocks.end()
    }
    return { push: reader.push, end }
  }

  let ascii = { checkpoints: Array.of<number>(), hasMore: false }
  let input = createInput(first)
  return {
    push: (bytes: Uint8Array): void => input.push(bytes),
    /** True when every event must be pushed once more. */
    endPass(): boolean {
      input.end()
      input = createInput(again)
      return selection.endPass((i) => middleRanks(channels[i]?.moments.count ?? 0))
    },
    /** In the order of the channels, once no pass is left. */
    results() {
      const measures = channels.map(({ moments, masked }, i): Measures => {
        const { count, nonFinite, min, max, mean, squares } = moments
        return {
          ...(count > 0
            ? {
                min: numberOrNull(min),
                max: numberOrNull(max),
                mean: numberOrNull(mean),
                median: numberOrNull(meanOf(selection.found(i))),
                std: numberOrNull(Math.sqrt(Math.max(0, squares) / count)),
              }
            : { min: null, max: null, mean: null, median: null, std: null }),
          count,
          nonFinite,
          masked,
        }
      })
      return { measures, ...ascii }
    },
  }
}

/** Ranks from 0 of the one or two middle values. */
function middleRanks(count: number): number[] {
  if (count === 0) return []
  const upper = Math.floor(count / 2)
  return count % 2 === 1 ? [upper] : [upper - 1, upper]
}

/** Of one value or two. */
function meanOf(values: number[]): number {
  const [lower = Number.NaN, upper = lower] = values
  const mean = (lower + upper) / 2
  return Number.isFinite(mean) ? mean : lower / 2 + upper / 2
}

/** JSON has no NaN or infinities, and no -0. */
function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value + 0 : null
}
