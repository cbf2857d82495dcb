import { describeDataSet, type FcsDescription, nextDataWarnings } from './description.ts'
import { FcsError } from './errors.ts'
import { eventBytes } from './format.ts'
import {
  HEADER_BYTES,
  type Header,
  readHeader,
  readVersion,
  type Segment,
  SIGNATURE_BYTES,
} from './header.ts'
import { createMeasurement } from './measurement.ts'
import type { ByteSource } from './source.ts'
import { type ChannelStatistics, channelStatistics, maskedWarnings } from './statistics.ts'

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

const READ_BYTES = 512 * 1024

/** A data set whose HEADER and TEXT are read. */
type DataSet = {
  description: FcsDescription
  /** Where its events are; null without any. */
  data: Segment | null
  measurement: ReturnType<typeof createMeasurement>
}

/** Reads the first data set of a file in one pass over its bytes as they arrive. */
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
        dataSet = openDataSet(header, text)
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
        dataSet = openDataSet(header, text)
        const message = 'The end of TEXT is given one byte too far.'
        dataSet.description.warnings.push({ code: 'text_end', message })
      }
      const { description, data, measurement } = dataSet
      if (data) requireBytes('DATA', data, received)
      if (data && !isStreamed) await pushAll(source, data, measurement)
      while (measurement.endPass()) if (data) await pushAll(source, data, measurement)
      const measures = measurement.results()
      description.warnings.push(
        ...maskedWarnings(measures),
        ...nextDataWarnings(new Map(description.keywords), received),
      )
      return { description, statistics: channelStatistics(description.parameters, measures) }
    },
  }
}

function openDataSet(header: Header, text: Uint8Array[]): DataSet {
  const description = describeDataSet(header, concat(text), 0)
  const { offset } = description.data
  const length = eventBytes(description.data) * description.total_events
  return {
    description,
    data: length > 0 ? { begin: offset, end: offset + length - 1 } : null,
    measurement: createMeasurement(description.data),
  }
}

async function pushAll(
  source: ByteSource,
  { begin, end }: Segment,
  measurement: DataSet['measurement'],
): Promise<void> {
  for (let at = begin; at <= end; at += READ_BYTES) {
    measurement.push(await source.read(at, Math.min(READ_BYTES, end + 1 - at)))
  }
}

function requireBytes(name: string, { begin, end }: Segment, size: number): void {
  if (end < size) return
  const message = `${name} is cut off: it needs bytes ${begin} to ${end}, but the file has ${size}.`
  throw new FcsError('truncated', message)
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
