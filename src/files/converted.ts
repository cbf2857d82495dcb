import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { refuse } from '../errors.ts'
import { type Conversion, type ConversionOptions, createConversion } from '../fcs/conversion.ts'
import { type Column, readEvents } from '../fcs/index.ts'
import { ConversionError, type Described } from '../fcs/scale.ts'
import type { Readable } from './reading.ts'

/** Enough to make little of the cost of a read, few enough to be counted within some milliseconds. */
const BLOCK_VALUES = 2 ** 17

/** The two fields of a query that ask for other values than the stored ones. */
export const conversionFields = {
  scale: z
    .enum(['raw', 'linear'], 'raw, linear')
    .default('raw')
    .describe('`linear`: by `$PnE`, `$PnG` and `$TIMESTEP`. `raw`: as stored'),
  compensated: z
    .enum(['true', 'false'], 'true, false')
    .default('false')
    .transform((given) => given === 'true')
    .describe('Without spillover, by the matrix of the file'),
}

export const isConverted = ({ scale, compensated }: ConversionOptions): boolean =>
  scale === 'linear' || compensated

/** A conversion of these channels (positions from 0); what the file can't give is refused. */
export function conversionOf(
  description: Described,
  channels: readonly number[],
  options: ConversionOptions,
): Conversion {
  try {
    return createConversion(description, channels, options)
  } catch (error) {
    if (error instanceof ConversionError) throw refuse('unprocessable', error.message)
    throw error
  }
}

/** A page of events as `readEvents` takes it, read as it is asked for: as stored, or converted. */
export function pageReader(
  { source, description }: Pick<Readable, 'source' | 'description'>,
  channels: readonly number[],
  options: ConversionOptions,
): (page: { offset: number; limit: number }) => Promise<Column[]> {
  const { reads, apply } = conversionOf(description, channels, options)
  return async (page) => {
    const stored = await readEvents(source, description, { ...page, columns: reads })
    return isConverted(options) ? apply(stored) : stored
  }
}

export type Extremes = { min: number | null; max: number | null }

/**
 * All events of a file, converted, in blocks between which other requests have their turn. Ends with a refusal when the
 * client has gone: nobody waits for the rest.
 */
export async function* convertedBlocks(
  { source, description }: Pick<Readable, 'source' | 'description'>,
  { reads, apply }: Conversion,
  { signal }: Request,
): AsyncGenerator<Float64Array[]> {
  const limit = Math.max(1, Math.floor(BLOCK_VALUES / description.parameters.length))
  for (let offset = 0; offset < description.total_events; offset += limit) {
    yield apply(await readEvents(source, description, { offset, limit, columns: reads }))
    await setImmediate()
    if (signal.aborted) throw refuse('bad_request', 'The client went away')
  }
}

/** The least and the greatest finite value of each column; null where there is none. */
export async function extremesOf(blocks: AsyncIterable<Float64Array[]>, columns: number) {
  const found = Array.from({ length: columns }, (): Extremes => ({ min: null, max: null }))
  for await (const block of blocks) {
    for (const [column, extremes] of found.entries()) {
      for (const value of block[column] ?? []) {
        if (!Number.isFinite(value)) continue
        if (extremes.min === null || value < extremes.min) extremes.min = value
        if (extremes.max === null || value > extremes.max) extremes.max = value
      }
    }
  }
  return found
}
