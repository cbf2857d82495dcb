import { Elysia } from 'elysia'
import { FORMS } from './negotiate.ts'

const STREAMED = new Set(Object.values(FORMS).map(({ contentType }) => contentType))

/**
 * Elysia says of a HEAD answer how many bytes it has counted, which is 0 where none were read for it. A stream's
 * length is not known before its end, and is left out as GET leaves it out (RFC 9110 §8.6).
 */
export function headOfStreams() {
  return new Elysia({ name: 'head-of-streams' }).wrap((handle) => async (request: Request) => {
    const response: unknown = await handle(request)
    if (request.method !== 'HEAD' || !(response instanceof Response)) return response
    if (!STREAMED.has(response.headers.get('content-type') ?? '')) return response
    response.headers.delete('content-length')
    // Without a body the server would say 0 again. This one is not known to be empty until it is read.
    return new Response(nothing(), { status: response.status, headers: response.headers })
  })
}

const nothing = () =>
  new ReadableStream({ pull: (controller) => controller.close() }, { highWaterMark: 0 })
