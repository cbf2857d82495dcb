import { asDoubles, createAsciiReader } from './ascii.ts'
import { MOST_CHANNELS } from './float32/kernels.ts'
import { createFloat32Passes } from './float32/passes.ts'
import { channelCount } from './format.ts'
import type { DataLayout } from './layout.ts'
import { createMoments } from './moments.ts'
import { createPasses, type Pass, type State } from './passes.ts'
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
  const states = Array.from({ length: channelCount(format) }, (): State => {
    return { moments: createMoments(), masked: 0 }
  })
  const selection = createSelection(states.length, format.datatype === 'F')
  const passes =
    format.datatype === 'F' && states.length <= MOST_CHANNELS
      ? createFloat32Passes(format, states, selection)
      : createPasses(format, states, selection)

  const input = (pass: Pass): Pass => {
    if (layout.datatype !== 'A') return pass
    const reader = createAsciiReader(layout, totalEvents, pass.push)
    const end = () => {
      ascii = reader.end()
      pass.end()
    }
    return { push: reader.push, end }
  }

  let ascii = { checkpoints: Array.of<number>(), hasMore: false }
  let current = input(passes.first())
  return {
    push: (bytes: Uint8Array): void => current.push(bytes),
    /** True when every event must be pushed once more. */
    endPass(): boolean {
      current.end()
      current = input(passes.again())
      return selection.endPass((i) => middleRanks(states[i]?.moments.count ?? 0))
    },
    /** In the order of the channels, once no pass is left. */
    results() {
      const measures = states.map(({ moments, masked }, i): Measures => {
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
