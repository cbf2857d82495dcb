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
}

export function channelStatistics(
  parameters: FcsParameter[],
  measures: Measures[],
): ChannelStatistics[] {
  return parameters.flatMap(({ pnn, pns, display }, i) => {
    const measured = measures[i]
    if (measured === undefined) return []
    const { min, max, mean, median, std, count, nonFinite } = measured
    return [
      { parameter: pnn, pns, display, min, max, mean, median, std, count, non_finite: nonFinite },
    ]
  })
}

export function maskedWarnings(measures: Measures[]): FcsWarning[] {
  const values = measures.reduce((sum, { masked }) => sum + masked, 0)
  if (values === 0) return []
  const first = measures.findIndex(({ masked }) => masked > 0) + 1
  const parameters = measures.filter(({ masked }) => masked > 0).length
  const message =
    `Bits beyond $PnR are masked off (values: ${values}, parameters: ${parameters}, ` +
    `the first of them $P${first}R).`
  return [{ code: 'masked_values', message }]
}
