import { asDoubles, CHECKPOINT_EVENTS, createAsciiReader } from './ascii.ts'
import type { DataSetDescription } from './description.ts'
import { channelCount, eventBytes } from './format.ts'
import type { DataLayout } from './layout.ts'
import { release } from './release.ts'
import type { ByteSource } from './source.ts'
import { type Column, pickColumns, toHostOrder } from './values.ts'

export type EventPage = {
  /** First event, from 0. */
  offset: number
  limit: number
  /** Positions of the wanted channels, from 0. */
  columns: number[]
}

const READ_BYTES = 64 * 1024

/**
 * Reads a page of events, one array of values per wanted channel, as stored (integers masked).
 * Past the last event the arrays are shorter, or empty. One read, of the page's bytes only; events
 * without a fixed length are looked for from the last checkpoint before them.
 * Throws RangeError for a page or channel that can't be.
 */
export async function readEvents(
  source: ByteSource,
  { data, total_events }: Pick<DataSetDescription, 'data' | 'total_events'>,
  page: EventPage,
): Promise<Column[]> {
  const isChannel = (channel: number) =>
    Number.isInteger(channel) && channel >= 0 && channel < channelCount(data)
  if (page.offset < 0 || page.limit < 0 || !page.columns.every(isChannel)) {
    throw new RangeError('no such events or channels')
  }
  const count = Math.max(0, Math.min(page.limit, total_events - page.offset))
  if (data.datatype === 'A') {
    const events = await readAscii(source, data, count === 0 ? 0 : page.offset, count)
    return pickColumns(events, asDoubles(data), page.columns)
  }
  const width = eventBytes(data)
  // A copy: aligned to the width of the values, and ours to swap.
  const events =
    count > 0
      ? new Uint8Array(await source.read(data.offset + page.offset * width, count * width))
      : new Uint8Array()
  toHostOrder(events, data)
  const columns = pickColumns(events, data, page.columns)
  release(events)
  return columns
}

/** The float64 values of `count` events from `first` on, as bytes. */
async function readAscii(
  source: ByteSource,
  data: DataLayout & { datatype: 'A' },
  first: number,
  count: number,
): Promise<Uint8Array> {
  const width = eventBytes(data)
  const checkpoint = width > 0 ? 0 : Math.floor(first / CHECKPOINT_EVENTS)
  const from = width > 0 ? first * width : (data.checkpoints?.[checkpoint - 1] ?? 0)
  const to = width > 0 ? (first + count) * width : (data.length ?? 0)
  const before = width > 0 ? 0 : first - checkpoint * CHECKPOINT_EVENTS
  const skip = 8 * before * data.parameters
  const events = new Uint8Array(8 * count * data.parameters)
  let at = -skip
  const reader = createAsciiReader(data, before + count, (bytes) => {
    const wanted = bytes.subarray(Math.max(0, Math.min(bytes.length, -at)))
    events.set(wanted, Math.max(0, at))
    at += bytes.length
  })
  for (let begin = from; begin < to && !reader.isFull(); begin += READ_BYTES) {
    reader.push(await source.read(data.offset + begin, Math.min(READ_BYTES, to - begin)))
  }
  reader.end()
  return events
}
