import type { FcsDescription } from '../../fcs/index.ts'
import type { Values } from './form.ts'

export type ReadPage = (page: { offset: number; limit: number }) => Promise<Values[]>

/**
 * Events of a file from `offset` on, at most `limit` of them, each block read when it is asked for. A block holds about
 * `blockValues` of all channels.
 */
export async function* eventBlocks(
  readPage: ReadPage,
  { parameters, total_events }: Pick<FcsDescription, 'parameters' | 'total_events'>,
  { offset, limit, blockValues }: { offset: number; limit: number; blockValues: number },
): AsyncGenerator<Values[]> {
  const end = Math.min(total_events, offset + limit)
  const size = Math.max(1, Math.floor(blockValues / parameters.length))
  let at = offset
  do {
    yield await readPage({ offset: at, limit: Math.max(0, Math.min(size, end - at)) })
    at += size
  } while (at < end)
}
