import type { Answer, TestApp } from '../kit/app.ts'

export const UPLOADS = '/api/v1/fcs/uploads'
export const TUS = { 'tus-resumable': '1.0.0' }
export const PIECE = { ...TUS, 'content-type': 'application/offset+octet-stream' }

export const named = (filename: string) => `filename ${Buffer.from(filename).toString('base64')}`

type Bytes = Uint8Array<ArrayBuffer> | ReadableStream
export type Pieces = ReturnType<typeof pieces>

/** The calls of tus, by hand. */
export function pieces(api: TestApp, bearer: string) {
  const send = (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: Bytes,
  ): Promise<Answer> =>
    api.call(method, path, { bearer, headers: { ...TUS, ...headers }, ...(body && { body }) })
  const begin = (
    length: number,
    { filename = 'a.fcs', body }: { filename?: string; body?: Uint8Array<ArrayBuffer> } = {},
  ) => {
    const headers = { 'upload-length': String(length), 'upload-metadata': named(filename) }
    return send('POST', UPLOADS, { ...(body && PIECE), ...headers }, body)
  }
  return {
    begin,
    /** Where a new upload of this length is. */
    async begun(length: number, filename?: string): Promise<string> {
      const answer = await begin(length, filename === undefined ? {} : { filename })
      if (answer.status !== 201) throw new Error(`not begun: ${answer.text}`)
      return answer.headers.get('location') ?? ''
    },
    head: (at: string) => send('HEAD', at),
    piece: (at: string, offset: number, body: Bytes) =>
      send('PATCH', at, { ...PIECE, 'upload-offset': String(offset) }, body),
    end: (at: string) => send('DELETE', at),
  }
}

/** Of an upload, and of the file that it becomes. */
export const idOf = (at: string) => at.slice(at.lastIndexOf('/') + 1)
