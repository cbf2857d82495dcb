const REQUEST_HEADERS =
  'authorization, content-type, if-none-match, if-range, range, tus-resumable, upload-length, upload-metadata, ' +
  'upload-offset, x-request-id'
const RESPONSE_HEADERS =
  'accept-ranges, allow, content-disposition, content-range, etag, location, ratelimit, ratelimit-policy, ' +
  'retry-after, token-expires-at, token-warning, tus-extension, tus-max-size, tus-resumable, tus-version, ' +
  'upload-expires, upload-length, upload-metadata, upload-offset, www-authenticate, x-request-id'
// What Chromium keeps a preflight for, at most.
const PREFLIGHT_SECONDS = '7200'

/**
 * Lets scripts of exactly these origins call the API and read its answers, refusals too (Fetch standard, CORS
 * protocol). A script sends its token itself: cookies are never allowed, so no other page can borrow a login. A
 * preflight is the OPTIONS that every path answers, and counts like any other request.
 */
export function corsHeaders(origins: readonly string[]) {
  const allowed = new Set(origins)
  return (request: Request, headers: Headers): void => {
    if (allowed.size === 0) return
    // Also on answers to others: a cache must not hand one origin's answer to the next.
    headers.append('vary', 'origin')
    const origin = request.headers.get('origin')
    if (origin === null || !allowed.has(origin)) return
    headers.set('access-control-allow-origin', origin)
    headers.set('access-control-expose-headers', RESPONSE_HEADERS)
    if (isPreflight(request)) allowPreflight(headers)
  }
}

const isPreflight = ({ method, headers }: Request) =>
  method === 'OPTIONS' && headers.has('access-control-request-method')

function allowPreflight(headers: Headers): void {
  headers.set('access-control-allow-methods', headers.get('allow') ?? '')
  headers.set('access-control-allow-headers', REQUEST_HEADERS)
  headers.set('access-control-max-age', PREFLIGHT_SECONDS)
}
