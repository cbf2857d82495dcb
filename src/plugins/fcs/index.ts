import { createHash } from 'node:crypto'
import { Elysia } from 'elysia'
import {
  type ByteSource,
  type ChannelStatistics,
  createScan,
  type FcsDescription,
  FcsError,
} from '../../fcs/index.ts'
import { Refusal } from '../refusal.ts'
import { uploadBody } from './upload-body.ts'

export type { ByteSource } from '../../fcs/index.ts'

/** Where the bytes go while they are read: at the end they are read back for what needs a second look. */
export type FcsSink = {
  /** The chunk's memory is taken back once this resolves. */
  write(chunk: Uint8Array): Promise<void>
  source(): ByteSource
}

export type ReceivedFcs = {
  /** What the client calls the file: a label, never a path. */
  filename: string
  sizeBytes: number
  sha256: Uint8Array
  description: FcsDescription
  statistics: ChannelStatistics[]
}

/**
 * Mounts `receiveFcs(request, sink)`: it reads the FCS file in a request's body, multipart or raw, in one
 * pass and in bounded memory, while the bytes go to the sink. Whatever can't be an FCS file, is larger than
 * `maxBytes` or breaks off is a thrown refusal; the caller then discards the sink. The route that calls it
 * says `parse: 'none'`, so that nothing has read the body before.
 */
export function fcs({ maxBytes }: { maxBytes: number }) {
  return new Elysia({ name: 'fcs', seed: crypto.randomUUID() }).decorate(
    'receiveFcs',
    async (request: Request, sink: FcsSink): Promise<ReceivedFcs> => {
      const body = uploadBody(request, maxBytes)
      const scan = createScan()
      const hash = createHash('sha256')
      let sizeBytes = 0
      try {
        for await (const chunk of body.chunks) {
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
        const filename = body.filename()
        return { filename, sizeBytes, sha256: hash.digest(), description, statistics }
      } catch (error) {
        if (!(error instanceof FcsError)) throw error
        throw new Refusal(422, { message: error.message, data: { reason: error.code } })
      }
    },
  )
}

/** Frees a chunk's memory at once: the garbage collector would wait, and a fast client does not. */
function release({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
