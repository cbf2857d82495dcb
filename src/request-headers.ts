import { Elysia } from 'elysia'

// An id goes into the log and the answer, and a token must go into neither.
const WELL_FORMED = /^(?!.*pat_[0-9A-Za-z]{36})[A-Za-z0-9._~+/=-]{8,128}$/

/** The headers that every answer has. A caller's own X-Request-Id is kept, so that logs can be joined. */
export function requestHeaders() {
  return new Elysia({ name: 'request-headers' }).onRequest(({ request, set }) => {
    const given = request.headers.get('x-request-id')
    set.headers['x-request-id'] =
      given !== null && WELL_FORMED.test(given) ? given : crypto.randomUUID()
    set.headers['x-content-type-options'] = 'nosniff'
    set.headers['cache-control'] = 'no-store'
  })
}
