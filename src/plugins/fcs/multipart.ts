import { Buffer } from 'node:buffer'
import { Refusal } from '../refusal.ts'

/** A part's headers are a few hundred bytes; a name can make them longer. */
const MAX_PART_HEADERS = 16 * 1024

/** The boundary that a Content-Type gives, of 1 to 70 characters (RFC 2046 §5.1.1). */
export function boundaryOf(contentType: string): string {
  const [, quoted, plain] =
    /;\s*boundary=(?:"([^"]{1,70})"|([^\s";,]{1,70})(?=$|[\s;]))/i.exec(contentType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined)
    throw new Refusal(400, { message: 'The multipart body has no boundary' })
  return boundary
}

/**
 * The bytes of the one part of a multipart/form-data body (RFC 7578), which must be a file named "file";
 * its filename goes to `onFilename` first. A body with another part, or without an end, is a thrown refusal.
 */
export async function* onlyFile(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
  onFilename: (filename: string) => void,
): AsyncGenerator<Uint8Array> {
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  const input = body[Symbol.asyncIterator]()
  // The first delimiter may be the very first bytes, with no line before it to end.
  let held: Buffer = Buffer.from('\r\n')

  const next = async () => {
    const { done, value } = await input.next()
    if (done) throw brokenOff()
    return Buffer.from(value.buffer, value.byteOffset, value.length)
  }
  async function* upTo(mark: Buffer): AsyncGenerator<Buffer> {
    for (let at = held.indexOf(mark); ; at = held.indexOf(mark)) {
      if (at !== -1) {
        yield held.subarray(0, at)
        held = held.subarray(at + mark.length)
        return
      }
      const chunk = await next()
      const kept = Math.min(held.length, mark.length)
      const tail = held.subarray(held.length - kept)
      const seam = Buffer.concat([tail, chunk.subarray(0, mark.length)])
      // The mark may begin in what is held and end in the chunk: only then are the two joined.
      const isSplit = chunk.length < mark.length || seam.includes(mark)
      yield isSplit ? held.subarray(0, held.length - kept) : held
      held = isSplit ? Buffer.concat([tail, chunk]) : chunk
    }
  }
  const isLast = async () => {
    while (held.length < 2) held = Buffer.concat([held, await next()])
    return held.subarray(0, 2).equals(CLOSING)
  }

  try {
    for await (const _ of upTo(delimiter));
    if (await isLast()) throw notOneFile()
    let headers = Buffer.alloc(0)
    for await (const piece of upTo(BLANK_LINE)) {
      headers = Buffer.concat([headers, piece])
      if (headers.length > MAX_PART_HEADERS) throw notOneFile()
    }
    const { name, filename } = disposition(headers.toString())
    if (name !== 'file' || filename === undefined) throw notOneFile()
    onFilename(filename)
    for await (const { buffer, byteOffset, length } of upTo(delimiter)) {
      // No Buffer: its slice() is no copy, and readers of a Uint8Array count on one.
      yield new Uint8Array(buffer, byteOffset, length)
    }
    if (!(await isLast())) throw notOneFile()
    // What follows the end is no part of the form, and still belongs to the request.
    while (!(await input.next()).done);
  } finally {
    await input.return?.()
  }
}

const CLOSING = Buffer.from('--')
const BLANK_LINE = Buffer.from('\r\n\r\n')

const brokenOff = () => new Refusal(400, { message: 'The upload broke off before its end' })
const notOneFile = () =>
  new Refusal(422, { message: 'The body has one part, a file named "file" with a filename' })

/** The parameters of a part's Content-Disposition; of one that is given twice the first. */
function disposition(headers: string): { name?: string; filename?: string } {
  const value = /\r\ncontent-disposition:[ \t]*form-data[ \t]*(;.*)/i.exec(headers)?.[1] ?? ''
  const parameters = value.matchAll(/;[ \t]*([^\s;="]+)=(?:"((?:\\.|[^"\\])*)"|([^\s;"]*))/g)
  const found: Record<string, string> = {}
  for (const [, name = '', quoted, plain = ''] of parameters) {
    found[name.toLowerCase()] ??= quoted?.replace(/\\(["\\])/g, '$1') ?? plain
  }
  return found
}
