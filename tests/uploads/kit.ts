import type { Answer, TestApp } from '../kit/app.ts'

export const UPLOADS = '/api/v1/fcs/uploads'
export const TUS = { 'tus-resumable': '1.0.0' }
export const PIECE = { ...TUS, 'content-type': 'application/offset+octet-stream' }

export const named = (filename: string) => `filename ${Buffer.from(filename).toString('base64')}`

/** The calls of tus, by hand. */
export function pieces(api: TestApp, bearer: string) {
  const send = (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: Uint8Array<ArrayBuffer>,
  ) => api.call(method, path, { bearer, headers: { ...TUS, ...headers }, ...(body && { body }) })
  return {
    begin: (length: number, filename = 'a.fcs', body?: Uint8Array<ArrayBuffer>): Promise<Answer> =>
      send(
        'POST',
        UPLOADS,
        { ...(body && PIECE), 'upload-length': String(length), 'upload-metadata': named(filename) },
        body,
      ),
    head: (at: string) => send('HEAD', at, {}),
    piece: (at: string, offset: number, body: Uint8Array<ArrayBuffer>) =>
      send('PATCH', at, { ...PIECE, 'upload-offset': String(offset) }, body),
    end: (at: string) => send('DELETE', at, {}),
  }
}
