import { Elysia } from 'elysia'
import { after, around } from './plugins/around.ts'
import { noted } from './plugins/noted.ts'

/** How long the body would be that a HEAD answer is without; null where GET does not know it beforehand. */
const lengths = noted<number | null>()

/** The answer to HEAD for a body that is read from a file: its headers, and nothing is read for them. */
export function headersOnly(
  request: Request,
  headers: Headers | Record<string, string>,
  length: number | null,
): Response {
  lengths.set(request, length)
  return new Response(null, { headers })
}

/**
 * Elysia answers HEAD by running GET and says how many bytes of its body it has counted, which is 0 for
 * `headersOnly`. This puts the true length there, or none where it is not known (RFC 9110 §8.6).
 */
export function headAnswers() {
  return new Elysia({ name: 'head-answers' }).wrap(
    around((request, handle) =>
      request.method === 'HEAD'
        ? after(handle(request), (response) => corrected(request, response))
        : handle(request),
    ),
  )
}

function corrected(request: Request, response: Response): Response {
  const length = lengths.get(request)
  if (length === undefined || !response.ok) return response
  const { status, headers } = response
  headers.delete('content-length')
  if (length !== null) headers.set('content-length', String(length))
  // Without a body the server would say 0 again. This one is not known to be empty until it is read.
  return new Response(length === null ? nothing() : null, { status, headers })
}

const nothing = () =>
  new ReadableStream({ pull: (controller) => controller.close() }, { highWaterMark: 0 })
