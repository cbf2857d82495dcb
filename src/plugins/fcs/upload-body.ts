import { Refusal } from '../refusal.ts'
import { boundaryOf, onlyFile } from './multipart.ts'

/** The file in a request's body, and its name once its first bytes have come. */
export type UploadBody = {
  chunks: AsyncIterable<Uint8Array>
  filename(): string
}

const RAW_TYPES = ['application/octet-stream', 'application/vnd.isac.fcs', 'application/fcs']
/** How many bytes a multipart body may hold beside its file. */
export const MULTIPART_OVERHEAD = 64 * 1024
const MAX_FILENAME = 255

/**
 * Reads the two forms of an upload: multipart with one part `file`, or the bytes with a `filename` query.
 * A file of more than `maxBytes` is refused as soon as it is known to be one.
 */
export function uploadBody(request: Request, maxBytes: number): UploadBody {
  const contentType = request.headers.get('content-type') ?? ''
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  const tooLarge = () => new Refusal(413, { message: `A file may have at most ${maxBytes} bytes` })
  const body = (most: number) => {
    if (Number(request.headers.get('content-length') ?? 0) > most) throw tooLarge()
    // Content-Length may be absent, or lie.
    return limited(unbroken(request.body ?? []), most, tooLarge)
  }

  if (RAW_TYPES.includes(type)) {
    const filename = fileLabel(new URL(request.url).searchParams.get('filename') ?? '')
    if (filename === '') throw unnamed('The query names the file: ?filename=…')
    return { chunks: body(maxBytes), filename: () => filename }
  }
  if (type === 'multipart/form-data') {
    let filename = ''
    const file = onlyFile(body(maxBytes + MULTIPART_OVERHEAD), boundaryOf(contentType), (given) => {
      filename = fileLabel(given)
      if (filename === '') throw unnamed('The part "file" has a filename')
    })
    return { chunks: limited(file, maxBytes, tooLarge), filename: () => filename }
  }
  throw new Refusal(415, {
    message: 'A file comes as multipart/form-data or as application/octet-stream',
  })
}

async function* limited(chunks: AsyncIterable<Uint8Array>, most: number, tooLarge: () => Refusal) {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > most) throw tooLarge()
    yield chunk
  }
}

async function* unbroken(body: AsyncIterable<Uint8Array> | Uint8Array[]) {
  try {
    yield* body
  } catch (cause) {
    const refusal = new Refusal(400, { message: 'The upload broke off before its end' })
    refusal.cause = cause
    throw refusal
  }
}

const unnamed = (message: string) => new Refusal(422, { message })

// Controls, line breaks, and the marks that turn the direction of text, behind which an extension can hide.
const UNFIT = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** The last part of the name, without what a terminal, a path or an eye would be misled by. */
export function fileLabel(name: string): string {
  const last = name.split(/[/\\]/).pop() ?? ''
  const fit = last
    .toWellFormed()
    .replace(UNFIT, '')
    .replace(/^[.\s]+$/, '')
  return [...fit].slice(0, MAX_FILENAME).join('').trim()
}
