// Uploads in pieces, as a client of tus does them: what breaks off goes on where it stopped, through whichever instance.
import { rawConnection } from '../../tests/kit/service.ts'
import { sha256 } from './ledger.ts'
import type { Load } from './load.ts'
import { newFile } from './new-file.ts'

const FILES = '/api/v1/fcs/files'
const UPLOADS = '/api/v1/fcs/uploads'
const TUS = { 'tus-resumable': '1.0.0' }
const PIECE = { ...TUS, 'content-type': 'application/offset+octet-stream' }
const NAME = `filename ${btoa('pieces.fcs')}`
const RETRY_MS = 1000
/** An outage of ten seconds, and the pauses of the queue after it. */
const READY_MS = 120_000

/** An upload whose first piece is cut. It is followed until it is a file, beside what its client does next. */
export async function inPieces(load: Load): Promise<void> {
  const { send, token, random } = load
  const bytes = newFile(random)
  const headers = { ...TUS, 'upload-length': `${bytes.length}`, 'upload-metadata': NAME }
  const begun = await send('begin', [201], 'POST', UPLOADS, { bearer: token, headers })
  if (!begun) return
  const at = begun.headers.get('location') ?? ''
  await cutPiece(load, at, bytes)
  load.followed.push(followed(load, at, bytes))
}

async function followed(load: Load, at: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const { send, token, ledger } = load
  const call = { bearer: token }
  const end = Date.now() + READY_MS
  const file = `${FILES}/${at.split('/').pop()}`
  for (let offset = 0; Date.now() < end; await Bun.sleep(RETRY_MS)) {
    if (offset < bytes.length) {
      const head = await send('offset', [200, 423], 'HEAD', at, { ...call, headers: TUS })
      if (head?.status !== 200) continue
      offset = Number(head.headers.get('upload-offset'))
      if (offset < bytes.length) {
        const headers = { ...PIECE, 'upload-offset': `${offset}` }
        const body = bytes.slice(offset)
        const sent = await send('piece', [204, 409, 423], 'PATCH', at, { ...call, headers, body })
        offset = sent?.status === 204 ? Number(sent.headers.get('upload-offset')) : 0
      }
    }
    if (offset < bytes.length) continue
    const shown = await send('progress', [200], 'GET', file, call)
    const status = shown?.body.data.status
    if (status === 'failed') ledger.wrong.push(`pieces: ${JSON.stringify(shown?.body.data)}`)
    if (status === 'ready') ledger.files.set(shown?.body.data.id, sha256(bytes))
    if (status === 'failed' || status === 'ready') return
  }
  ledger.wrong.push(`pieces: no file after ${READY_MS / 1000} s: ${at}`)
}

/** Half of the bytes, of a piece that was to have all of them. */
async function cutPiece({ url, token, random, ledger }: Load, at: string, bytes: Uint8Array) {
  const connection = await rawConnection(url).catch(() => null)
  if (!connection) return
  const headers = { ...PIECE, 'upload-offset': '0', 'content-length': `${bytes.length}` }
  const lines = [
    `PATCH ${at} HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${token}`,
    `x-forwarded-for: ${ledger.address()}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  connection.socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  connection.socket.write(bytes.subarray(0, bytes.length / 2))
  await Bun.sleep(50 + random() * 200)
  connection.socket.destroy()
}
