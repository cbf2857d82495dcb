import { headersOnly } from '../../head.ts'
import { contentDisposition } from '../content-disposition.ts'
import type { Readable } from '../reading.ts'
import { eventBlocks, type ReadPage } from './blocks.ts'
import type { Form } from './form.ts'

/** Events in a form, read and written as fast as the client takes them, and no further once it has gone. */
export function streamEvents(
  request: Request,
  form: Form,
  file: Readable,
  page: { offset: number; limit: number; names: readonly string[]; readPage: ReadPage },
): Response {
  const name = `${file.filename.replace(/\.fcs$/i, '')}.${form.extension}`
  const headers = {
    'content-type': form.contentType,
    'content-disposition': contentDisposition(name),
  }
  if (request.method === 'HEAD') return headersOnly(request, headers, null)
  const { blockValues } = form
  const blocks = eventBlocks(page.readPage, file.description, { ...page, blockValues })
  const pieces = form.write(page.names, blocks)
  return new Response(streamOf(pieces), { headers })
}

/** A body whose pieces are made when they are asked for. */
export function streamOf(pieces: AsyncGenerator<Uint8Array, void>): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    },
    { highWaterMark: 0 },
  )
}
