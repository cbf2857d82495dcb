import { readEvents } from '../../fcs/index.ts'
import type { Readable } from '../reading.ts'
import type { Values } from './form.ts'

/** Larger blocks leave more garbage at once, and keep other requests waiting while they are written as text. */
const MOST_VALUES = 16_384
const MOST_EVENTS = 4096

/** Events of a file from `offset` on, at most `limit` of them, each block read when it is asked for. */
export async function* eventBlocks(
  { source, description }: Readable,
  { offset, limit, columns }: { offset: number; limit: number; columns: number[] },
): AsyncGenerator<Values[]> {
  const { parameters, total_events } = description
  const end = Math.min(total_events, offset + limit)
  const fit = Math.floor(MOST_VALUES / parameters.length)
  const size = Math.max(1, Math.min(MOST_EVENTS, fit))
  let at = offset
  do {
    const limit = Math.max(0, Math.min(size, end - at))
    yield await readEvents(source, description, { offset: at, limit, columns })
    at += size
  } while (at < end)
}
