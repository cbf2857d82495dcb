import type { Answer, TestApp } from '../kit/app.ts'
import { small } from '../kit/fcs-examples.ts'
import { writeFcs } from '../kit/fcs-writer.ts'

export const UPLOAD = '/api/v1/fcs/upload'
export const FILES = '/api/v1/fcs/files'
export const RAW = { 'content-type': 'application/octet-stream' }

/** A small file that is right in every way. */
export const fcsBytes = (): Uint8Array<ArrayBuffer> => new Uint8Array(writeFcs(small))

/** A user with a token of all that can be done with files, and its everyday calls. */
export async function cytometrist(api: TestApp) {
  const user = await api.user()
  const { id: tokenId, token: bearer } = await api.token(user, ['fcs:analyze'])
  const upload = (body: Uint8Array<ArrayBuffer>, filename = 'a.fcs'): Promise<Answer> =>
    api.call('POST', `${UPLOAD}?filename=${encodeURIComponent(filename)}`, {
      bearer,
      body,
      headers: RAW,
    })
  return {
    user,
    tokenId,
    bearer,
    get: (path: string, headers: Record<string, string> = {}) =>
      api.call('GET', path, { bearer, headers }),
    upload,
    /** The id of a new file with this content. */
    async file(body: Uint8Array<ArrayBuffer> = fcsBytes()): Promise<string> {
      const answer = await upload(body)
      if (answer.status !== 201) throw new Error(`not uploaded: ${answer.text}`)
      return answer.body.data.file_id
    },
  }
}

/** One part of a multipart body with the boundary XX. */
export const part = (disposition: string, content: Uint8Array | string = fcsBytes(), more = '') =>
  Buffer.concat([
    Buffer.from(`--XX\r\nContent-Disposition: form-data; ${disposition}\r\n${more}\r\n`),
    typeof content === 'string' ? Buffer.from(content) : content,
    Buffer.from('\r\n'),
  ])
export const END = Buffer.from('--XX--\r\n')
export const FILE = 'name="file"; filename="a.fcs"'
export const FORM = { 'content-type': 'multipart/form-data; boundary=XX' }

/** Bytes that arrive in pieces of this length, without a Content-Length. */
export function inPieces(bytes: Uint8Array, length: number): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(at, at + length))
      at += length
    },
  })
}

/** Statistics of finite values the plain way: sorted, and in two passes. */
export function naive(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (i: number) => sorted[i] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return {
    min: at(0),
    max: at(values.length - 1),
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    mean,
    std: Math.sqrt(squares / values.length),
  }
}
