import { Elysia } from 'elysia'

const WELL_FORMED = /^[A-Za-z0-9._~+/=-]{8,128}$/

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
