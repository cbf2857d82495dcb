import { Refusal } from './refusal.ts'

const SCHEME = 'Bearer '
const CREDENTIAL = /^bearer +[a-z0-9._~+/-]+=*$/i
const TOKEN_IN_QUERY = /[?&]access_token=|pat_[0-9A-Za-z]{36}/

/**
 * The bearer token that a request presents in its Authorization header (RFC 6750 §2.1), or null when it
 * presents none. A token in the query is refused even beside a header (RFC 6750 §2.3 and §3.1). Two
 * headers arrive joined by a comma, which no token holds, and so are malformed.
 */
export function bearerToken(request: Request, realm: string): string | null {
  const queryAt = request.url.indexOf('?')
  if (queryAt !== -1 && TOKEN_IN_QUERY.test(request.url.slice(queryAt))) {
    throw unauthorized(realm, 'invalid_request', 'A token in the URL is refused')
  }
  const header = request.headers.get('authorization')
  if (header === null) return null
  if (!CREDENTIAL.test(header)) throw unauthorized(realm, 'invalid_token', 'Invalid token')
  return header.slice(SCHEME.length).trimStart()
}

/** RFC 6750 §3: a request without a credential is told the realm only; a bad one is told its error. */
export function unauthorized(
  realm: string,
  error?: 'invalid_request' | 'invalid_token',
  message = 'A bearer token is required',
): Refusal {
  const challenge = `Bearer realm="${realm}"${error ? `, error="${error}", error_description="${message}"` : ''}`
  return new Refusal(error === 'invalid_request' ? 400 : 401, {
    message,
    headers: { 'www-authenticate': challenge },
  })
}
