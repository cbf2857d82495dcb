import { readChain } from './chain.ts'
import { type DataSet, finishDataSet, openDataSet, requireBytes } from './data-set.ts'
import type { FcsDescription } from './description.ts'
import { FcsError } from './errors.ts'
import {
  HEADER_BYTES,
  type Header,
  readHeader,
  readVersion,
  type Segment,
  SIGNATURE_BYTES,
} from './header.ts'
import type { ByteSource } from './source.ts'
import type { ChannelStatistics } from './statistics.ts'

export type FcsScan = {
  /**
   * Takes the next bytes of the file, which may be overwritten afterwards. Throws FcsError as soon
   * as they can't become a readable file.
   */
  push(chunk: Uint8Array): void
  /**
   * After the last byte, with the stored file to read from again. Throws FcsError when it holds
   * less than it claims.
   */
  finish(
    source: ByteSource,
  ): Promise<{ description: FcsDescription; statistics: ChannelStatistics[] }>
}

/**
 * Reads a file: its first data set in one pass over its bytes as they arrive, and what can't be
 * known by then (further data sets, the last digits of medians) from the stored file.
 */
export function createScan(): FcsScan {
  const head = new Uint8Array(HEADER_BYTES)
  const text: Uint8Array[] = []
  let received = 0
  let header: Header | null = null
  let dataSet: DataSet | null = null
  // Events that come before the end of TEXT pass by unread, and are read from the stored file.
  let isStreamed = false

  return {
    push(chunk) {
      const start = received
      received += chunk.length
      if (start < HEADER_BYTES) {
        head.set(overlap(chunk, start, { begin: 0, end: HEADER_BYTES - 1 }), start)
        if (received >= SIGNATURE_BYTES) readVersion(head)
        if (received >= HEADER_BYTES) header = readHeader(head)
      }
      if (header && !dataSet) {
        text.push(new Uint8Array(overlap(chunk, start, header.text)))
        if (received <= header.text.end) return
        dataSet = openDataSet(header, concat(text), 0)
        isStreamed = (dataSet.data?.begin ?? 0) >= start
      }
      if (isStreamed && dataSet?.data) {
        dataSet.measurement.push(overlap(chunk, start, dataSet.data))
      }
    },

    async finish(source) {
      if (!header) throw new FcsError('truncated', `HEADER is cut off after ${received} bytes.`)
      if (!dataSet) {
        requireBytes('TEXT', { begin: header.text.begin, end: header.text.end - 1 }, received)
        const message = 'The end of TEXT is given one byte too far.'
        dataSet = openDataSet(header, concat(text), 0, [{ code: 'text_end', message }])
      }
      const { description, statistics, end } = await finishDataSet(source, dataSet, isStreamed)
      const { keywords } = description
      const { dataSets, warnings } = await readChain(source, { base: 0, end, keywords })
      return {
        description: {
          ...description,
          warnings: [...description.warnings, ...warnings],
          data_sets: dataSets,
        },
        statistics,
      }
    },
  }
}

/** The part of a chunk, whose first byte is at `start` in the file, that lies in the segment. */
function overlap(chunk: Uint8Array, start: number, { begin, end }: Segment): Uint8Array {
  return chunk.subarray(Math.max(0, begin - start), Math.max(0, end + 1 - start))
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
