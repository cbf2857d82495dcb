import { refuse } from '../errors.ts'
import type { ByteSource } from '../fcs/index.ts'
import { headersOnly } from '../head.ts'
import type { Log } from '../log.ts'
import { contentDisposition } from './content-disposition.ts'
import { etagOf, isKnown } from './etag.ts'
import type { FileItem } from './files.ts'

const CHUNK_BYTES = 256 * 1024

/** The stored bytes, or the range that is asked for (RFC 9110 §14), read as fast as the client takes them. */
export async function download(
  request: Request,
  file: FileItem,
  source: ByteSource,
  log: Log,
): Promise<Response> {
  const size = file.size_bytes
  const etag = etagOf(file)
  const headers = new Headers({
    etag,
    'accept-ranges': 'bytes',
    'content-type': 'application/vnd.isac.fcs',
    'content-disposition': contentDisposition(file.filename),
  })
  if (isKnown(request, etag)) return new Response(null, { status: 304, headers })
  // Range is defined for GET alone (RFC 9110 §14.2): HEAD tells of the whole file.
  if (request.method === 'HEAD') return headersOnly(request, headers, size)
  const range = wantedRange(request, etag, size)
  const [start, end] = range ?? [0, size]
  headers.set('content-length', String(end - start))
  if (range) headers.set('content-range', `bytes ${start}-${end - 1}/${size}`)
  // Read before the status is out: a storage that fails as a rule does so at once.
  const first = await source.read(start, Math.min(CHUNK_BYTES, end - start))
  // Later the client sees the connection break, and the log says why.
  const readOrSay: ByteSource['read'] = (offset, length) =>
    source.read(offset, length).catch((error) => {
      log.error('download broken off', { id: file.id, error: String(error) })
      throw error
    })
  return new Response(bytesOf(first, readOrSay, start, end), { status: range ? 206 : 200, headers })
}

/** Half-open, or null for the whole file: several ranges, or an If-Range that fails, get it all. */
function wantedRange(request: Request, etag: string, size: number): [number, number] | null {
  const ifRange = request.headers.get('if-range')
  if (ifRange !== null && ifRange !== etag) return null
  const [, first = '', last = ''] =
    /^bytes=(\d*)-(\d*)$/i.exec(request.headers.get('range') ?? '') ?? []
  if (first === '' && last === '') return null
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null
  if (start >= end) {
    throw refuse('range_not_satisfiable', `The file has ${size} bytes`, {
      headers: { 'content-range': `bytes */${size}` },
    })
  }
  return [start, end]
}

function bytesOf(first: Uint8Array, read: ByteSource['read'], start: number, end: number) {
  let at = start
  let next: Uint8Array | null = first
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = next ?? (await read(at, Math.min(CHUNK_BYTES, end - at)))
        next = null
        at += chunk.length
        controller.enqueue(chunk)
        if (at >= end) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}
