import type { FcsWarning } from './errors.ts'
import type { Measures } from './measurement.ts'
import type { FcsParameter } from './parameters.ts'

/** Over a channel's finite values, as stored; all null when it has none. */
export type ChannelStatistics = {
  /** The parameter's `pnn`. */
  parameter: string
  pns: string
  display: 'LIN' | 'LOG'
  min: number | null
  max: number | null
  mean: number | null
  /** Exact; of an even count, the mean of the two middle values. */
  median: number | null
  /** The population's. */
  std: number | null
  /** Finite values. */
  count: number
  /** NaN and infinities, left out of everything else. */
  non_finite: number
  /** Integers with bits beyond `$PnR`, which are masked off. */
  masked: number
}

export function channelStatistics(
  parameters: FcsParameter[],
  measures: Measures[],
): ChannelStatistics[] {
  return parameters.flatMap(({ pnn, pns, display }, i) => {
    const measured = measures[i]
    if (measured === undefined) return []
    const { nonFinite, ...rest } = measured
    return [{ parameter: pnn, pns, display, ...rest, non_finite: nonFinite }]
  })
}

/** Values and parameters, and how many values of each of the first. */
export function maskedWarnings(measures: Measures[]): FcsWarning[] {
  const counts = measures.flatMap(({ masked }, i) => (masked > 0 ? [{ n: i + 1, masked }] : []))
  if (counts.length === 0) return []
  const values = counts.reduce((sum, { masked }) => sum + masked, 0)
  const named = counts.slice(0, 10).map(({ n, masked }) => `$P${n}R ${masked}`)
  const more = counts.length > named.length ? ' …' : ''
  const message =
    `Bits beyond $PnR are masked off (values: ${values}, parameters: ${counts.length}): ` +
    `${named.join(', ')}${more}.`
  return [{ code: 'masked_values', message }]
}
