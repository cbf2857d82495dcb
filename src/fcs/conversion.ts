import {
  ConversionError,
  type Described,
  isLogAmplified,
  linearScales,
  type Scale,
} from './scale.ts'
import { type Compensation, readCompensation } from './spillover.ts'
import type { Column } from './values.ts'

export type ConversionOptions = {
  /** `raw`: as stored. `linear`: what was measured, by `$PnE`, `$PnG` and `$TIMESTEP`. */
  scale: 'raw' | 'linear'
  /** Without the spillover of the other dyes, on the scale asked for. */
  compensated: boolean
}

export type Conversion = {
  /** Positions of the channels to read, from 0: all that the wanted ones take to compute. */
  reads: number[]
  /** From the columns of `reads` to those of the wanted channels, in their order. */
  apply(stored: readonly (Column | BigUint64Array)[]): Float64Array[]
}

/**
 * Plans how to convert the wanted channels (positions from 0) of any block of events; the matrix is inverted
 * here, once. Throws ConversionError when the file doesn't say how.
 */
export function createConversion(
  description: Described,
  wanted: readonly number[],
  { scale, compensated }: ConversionOptions,
): Conversion {
  const scales = scale === 'linear' ? linearScales(description) : []
  const compensation = compensated ? readCompensation(description) : null
  if (compensation && scale === 'raw') requireLinear(description, compensation)
  const places = wanted.map((channel) => compensation?.channels.indexOf(channel) ?? -1)
  const others = places.some((place) => place >= 0) ? (compensation?.channels ?? []) : []
  const reads = [...new Set([...wanted, ...others])]
  return {
    reads,
    apply(stored) {
      const columns = new Map(
        reads.map((channel, i) => [channel, scaled(stored[i] ?? [], scales[channel] ?? null)]),
      )
      return wanted.map((channel, i) =>
        compensation && (places[i] ?? -1) >= 0
          ? compensate(columns, compensation, places[i] ?? 0)
          : (columns.get(channel) ?? new Float64Array()),
      )
    },
  }
}

function requireLinear({ parameters }: Described, { channels }: Compensation): void {
  const log = channels.find((at) => parameters[at] && isLogAmplified(parameters[at]))
  if (log === undefined) return
  const message = `Logarithmic values ($P${log + 1}E) can be compensated with scale=linear only.`
  throw new ConversionError(message)
}

function scaled(
  stored: Column | BigUint64Array | readonly number[],
  scale: Scale | null,
): Float64Array {
  const values =
    stored instanceof BigUint64Array ? Float64Array.from(stored, Number) : new Float64Array(stored)
  if (scale) for (let i = 0; i < values.length; i++) values[i] = scale(values[i] ?? 0)
  return values
}

function compensate(
  columns: Map<number, Float64Array>,
  { channels, inverse }: Compensation,
  place: number,
): Float64Array {
  const sum = new Float64Array(columns.get(channels[place] ?? -1)?.length ?? 0)
  for (const [row, channel] of channels.entries()) {
    const share = inverse.values[row * inverse.size + place] ?? 0
    // Also so that an infinity stays in the channels that it spills into.
    if (share === 0) continue
    const values = columns.get(channel) ?? sum
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + share * (values[i] ?? 0)
  }
  return sum
}
