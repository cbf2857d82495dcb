import { refuse } from './errors.ts'

export const MAX_JSON_BYTES = 1024 * 1024

/**
 * How a route reads a JSON body: `parse: jsonBody`. The second entry only tells the OpenAPI document the
 * content type. No body at all is null, which a schema then accepts or refuses.
 */
export const jsonBody = [
  async ({ request }: { request: Request }): Promise<unknown> => {
    const bytes = await readBody(request)
    if (bytes.length === 0) return null
    const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
    if (type !== 'application/json') {
      throw refuse('unsupported_media_type', 'The body must be application/json')
    }
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    } catch {
      throw refuse('bad_request', 'The body is not valid JSON')
    }
  },
  'json' as const,
]

async function readBody(request: Request): Promise<Uint8Array> {
  const tooLarge = () => refuse('too_large', `A JSON body has at most ${MAX_JSON_BYTES} bytes`)
  if (Number(request.headers.get('content-length') ?? 0) > MAX_JSON_BYTES) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    // Content-Length may be absent, or lie.
    if (size > MAX_JSON_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
