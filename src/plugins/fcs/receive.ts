import { createHash } from 'node:crypto'
import {
  type ByteSource,
  type ChannelStatistics,
  createScan,
  type FcsDescription,
  FcsError,
} from '../../fcs/index.ts'
import { Refusal } from '../refusal.ts'

/** Where the bytes go while they are read: at the end they are read back for what needs a second look. */
export type FcsSink = {
  /** The chunk's memory is taken back once this resolves. */
  write(chunk: Uint8Array): Promise<void>
  source(): ByteSource
}

export type ReadFcs = {
  sizeBytes: number
  sha256: Uint8Array
  description: FcsDescription
  statistics: ChannelStatistics[]
}

/**
 * Reads an FCS file in one pass and in bounded memory, while its bytes go to the sink. Whatever can't be an FCS file is
 * a thrown refusal, whose `data.reason` is a code. Takes the memory of each chunk.
 */
export async function readFcs(chunks: AsyncIterable<Uint8Array>, sink: FcsSink): Promise<ReadFcs> {
  const scan = createScan()
  const hash = createHash('sha256')
  let sizeBytes = 0
  try {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length
      const written = sink.write(chunk)
      try {
        scan.push(chunk)
        hash.update(chunk)
      } finally {
        await written
      }
      release(chunk)
    }
    const { description, statistics } = await scan.finish(sink.source())
    return { sizeBytes, sha256: hash.digest(), description, statistics }
  } catch (error) {
    if (!(error instanceof FcsError)) throw error
    throw new Refusal(422, { message: error.message, data: { reason: error.code } })
  }
}

/** Frees a chunk's memory at once: the garbage collector would wait, and a fast client does not. */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
