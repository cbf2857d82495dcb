import { Buffer } from 'node:buffer'
import { refuse } from './errors.ts'

/** The body of a request, refused with 413 as soon as it is known to have more bytes than these. */
export async function readBody(request: Request, mostBytes: number): Promise<Uint8Array> {
  const tooLarge = () => refuse('too_large', `The body has at most ${mostBytes} bytes`)
  if (Number(request.headers.get('content-length') ?? 0) > mostBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    // Content-Length may be absent, or lie.
    if (size > mostBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The content type of a body, without its parameters. */
export const contentType = ({ headers }: Request): string =>
  headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
