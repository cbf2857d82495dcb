import { kept } from '../kept.ts'
import { COMMON } from '../request-headers.ts'
import { success } from '../schema.ts'

export const JSON_TYPE = 'application/json;charset=utf-8'

/** The strong tag of what follows from a file's bytes alone. */
export const etagOf = ({ sha256 }: { sha256: string }) => `"${sha256}"`

/** Whether the client says that it has what the tag stands for (If-None-Match, RFC 9110 §13.1.2). */
export function isKnown(request: Request, etag: string): boolean {
  const given = request.headers.get('if-none-match')
  if (given === null || given === etag) return given === etag
  return given.split(',').some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()))
}

/** Of what is asked for again and again, which is the built-in sample: what is read for one request goes with it. */
const printed = kept<string>()
const notModified = kept<Headers>()

/**
 * The answer that follows from a file's bytes alone, or 304 to a client that has it. It is printed once for the
 * object that it is made of.
 */
export function taggedAnswer<T extends object>(
  request: Request,
  etag: string,
  from: T,
  data: (from: T) => unknown,
): Response {
  if (isKnown(request, etag)) {
    const headers = notModified(from, () => new Headers({ ...COMMON, etag }))
    return new Response(null, { status: 304, headers })
  }
  const text = printed(from, () => JSON.stringify(success(data(from))))
  return new Response(text, {
    headers: { 'content-type': JSON_TYPE, etag },
  })
}
