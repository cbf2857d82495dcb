import { z } from 'zod'
import { refuseField } from '../errors.ts'
import type { ConversionOptions } from '../fcs/conversion.ts'
import type { ChannelStatistics } from '../fcs/index.ts'
import { createQuantiles } from '../fcs/quantiles.ts'
import { conversionOf, convertedBlocks, isConverted } from './converted.ts'
import type { Readable } from './reading.ts'

/** Each takes kilobytes while the file is read. */
const MOST_QUANTILES = 16_384

const RULE = 'up to 16 numbers from 0 to 1, separated by commas'

/** Quantiles in a query, as a comma list. */
export const quantileList = z
  .string()
  .max(400, RULE)
  .regex(/^(\d*\.)?\d+(,(\d*\.)?\d+){0,15}$/, RULE)
  .transform((list) => [...new Set(list.split(',').map(Number))])
  .refine((quantiles) => quantiles.every((quantile) => quantile <= 1), RULE)
  .meta({ type: 'string', example: '0.05,0.95' })
  .describe('Adds `percentiles`: interpolated linearly between neighbours (type 7)')
  .optional()

export type MeasuredChannel = ChannelStatistics & { percentiles?: Record<string, number | null> }

/**
 * Statistics of every channel, of converted values, with the quantiles asked for. Those of stored values are known since
 * the upload. Takes several passes over the file, in bounded memory.
 */
export async function measuredStatistics(
  request: Request,
  file: Readable,
  stored: readonly ChannelStatistics[],
  asked: ConversionOptions & { q?: number[] | undefined },
): Promise<MeasuredChannel[]> {
  const { q } = asked
  const channels = stored.map((_, at) => at)
  const quantiles = [0.5, ...(q ?? [])]
  const most = Math.floor(MOST_QUANTILES / Math.max(1, channels.length)) - 1
  if (q && q.length > most) throw refuseField('q', `at most ${most} for a file of so many channels`)
  const conversion = conversionOf(file.description, channels, asked)
  const measuring = createQuantiles(channels.length, quantiles)
  do {
    for await (const block of convertedBlocks(file, conversion, request)) measuring.add(block)
  } while (measuring.endPass())

  return measuring.results().flatMap(({ moments, quantiles: values }, at) => {
    const before = stored[at]
    if (before === undefined) return []
    const [median = null, ...asPercentiles] = values
    const { count, nonFinite, min, max, mean, squares } = moments
    const measured = {
      min: count > 0 ? min : null,
      max: count > 0 ? max : null,
      mean: finiteOrNull(mean, count),
      median,
      std: finiteOrNull(Math.sqrt(Math.max(0, squares) / count), count),
      count,
      non_finite: nonFinite,
    }
    return [
      {
        ...before,
        ...(isConverted(asked) && measured),
        ...(q && {
          percentiles: Object.fromEntries(q.map((one, i) => [one, asPercentiles[i] ?? null])),
        }),
      },
    ]
  })
}

const finiteOrNull = (value: number, count: number) =>
  count > 0 && Number.isFinite(value) ? value : null
