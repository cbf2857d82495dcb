import type { FcsDescription } from './description.ts'
import { eventBytes } from './format.ts'
import type { ByteSource } from './source.ts'
import { type Column, pickColumn, toHostOrder } from './values.ts'

export type EventPage = {
  /** First event, from 0. */
  offset: number
  limit: number
  /** Positions of the wanted channels, from 0. */
  columns: number[]
}

/**
 * Reads a page of events, one array of values per wanted channel, as stored (integers masked).
 * Past the last event the arrays are shorter, or empty. One read, of the page's bytes only.
 * Throws RangeError for a page or channel that can't be.
 */
export async function readEvents(
  source: ByteSource,
  { data, total_events }: FcsDescription,
  page: EventPage,
): Promise<Column[]> {
  const isChannel = (channel: number) => data.masks[channel] !== undefined
  if (page.offset < 0 || page.limit < 0 || !page.columns.every(isChannel)) {
    throw new RangeError('no such events or channels')
  }
  const count = Math.min(page.limit, total_events - page.offset)
  const width = eventBytes(data)
  // A copy: aligned to the width of the values, and ours to swap.
  const events =
    count > 0
      ? new Uint8Array(await source.read(data.offset + page.offset * width, count * width))
      : new Uint8Array()
  toHostOrder(events, data)
  return page.columns.map((channel) => pickColumn(events, data, channel))
}
