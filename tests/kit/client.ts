// What a client does over HTTP, against a service wherever it runs.
export type Call = {
  bearer?: string
  json?: unknown
  body?: string | Uint8Array<ArrayBuffer> | FormData | ReadableStream
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** `call(method, path, options)`: the answer with its body as text and, where it is JSON, parsed. */
export const client =
  (url: string) =>
  async (method: string, path: string, { bearer, json, body, headers = {}, signal }: Call = {}) => {
    const response = await fetch(url + path, {
      method,
      ...(signal && { signal }),
      redirect: 'manual',
      headers: {
        ...headers,
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
      },
      ...(json !== undefined ? { body: JSON.stringify(json) } : body !== undefined && { body }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it reads, whatever it is.
      get body(): any {
        return JSON.parse(text)
      },
    }
  }

export type Client = ReturnType<typeof client>

/** A new account's access token. */
export async function logIn(call: Client, username: string): Promise<string> {
  const password = 'a long and private sentence'
  const email = `${username}@example.org`
  await call('POST', '/api/v1/auth/register', { json: { username, email, password } })
  const login = await call('POST', '/api/v1/auth/login', { json: { username, password } })
  return login.body.data.access_token
}

/** A new token with every scope of files. */
export async function fcsToken(call: Client, jwt: string): Promise<{ id: string; token: string }> {
  const json = { name: 'files', scopes: ['fcs:read', 'fcs:write', 'fcs:analyze'] }
  const created = await call('POST', '/api/v1/tokens', { bearer: jwt, json })
  return created.body.data
}

/** The head of a raw upload, for a body that is written by hand. */
export const uploadHead = (token: string, length: number, from = '127.0.0.1') =>
  `POST /api/v1/fcs/upload?filename=slow.fcs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
  `X-Forwarded-For: ${from}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`
