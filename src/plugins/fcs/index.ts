import { Elysia } from 'elysia'
import { type FcsSink, type ReadFcs, readFcs } from './receive.ts'
import { uploadBody } from './upload-body.ts'

export type { ByteSource } from '../../fcs/index.ts'
export { type FcsSink, type ReadFcs, readFcs } from './receive.ts'
export { fileLabel, MULTIPART_OVERHEAD } from './upload-body.ts'

/** `filename` is what the client calls the file: a label, never a path. */
export type ReceivedFcs = ReadFcs & { filename: string }

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
      const read = await readFcs(body.chunks, sink)
      return { ...read, filename: body.filename() }
    },
  )
}
