import { Readable } from 'node:stream'
import { Busboy, type BusboyFileStream } from '@fastify/busboy'
import { Refusal } from '../refusal.ts'

/** The file in a request's body, and its name once the body has told it. */
export type UploadBody = {
  /** How many bytes the body may hold beside the file. */
  overhead: number
  chunks(): AsyncIterable<Uint8Array>
  filename(): string
}

const RAW_TYPES = ['application/octet-stream', 'application/vnd.isac.fcs', 'application/fcs']
const MULTIPART_OVERHEAD = 64 * 1024
const MAX_FILENAME = 255

/** Reads the two forms of an upload: multipart with one part `file`, or the bytes with a `filename` query. */
export function uploadBody(request: Request): UploadBody {
  const contentType = request.headers.get('content-type') ?? ''
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === 'multipart/form-data') return multipart(request, contentType)
  if (RAW_TYPES.includes(type)) return raw(request)
  throw new Refusal(415, {
    message: 'A file comes as multipart/form-data or as application/octet-stream',
  })
}

function raw(request: Request): UploadBody {
  const given = new URL(request.url).searchParams.get('filename') ?? ''
  const filename = label(given)
  if (filename === '') throw unprocessable('The query names the file: ?filename=…')
  return { overhead: 0, chunks: () => unbroken(request.body ?? []), filename: () => filename }
}

function multipart(request: Request, contentType: string): UploadBody {
  let filename = ''

  async function* chunks() {
    let parser: InstanceType<typeof Busboy>
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        limits: { files: 1, fields: 0, parts: 2, headerPairs: 32 },
      })
    } catch {
      throw new Refusal(400, { message: 'The multipart body has no boundary' })
    }
    const opened = Promise.withResolvers<BusboyFileStream | null>()
    const closed = Promise.withResolvers<void>()
    let others = false
    parser.on('file', (field, file, name) => {
      others ||= field !== 'file'
      filename = label(name ?? '')
      // An error of this stream is thrown where it is read; without a reader it must not end the process.
      file.on('error', () => {})
      opened.resolve(file)
    })
    for (const limit of ['filesLimit', 'fieldsLimit', 'partsLimit'] as const) {
      parser.on(limit, () => {
        others = true
      })
    }
    const broken = () => brokenOff()
    parser.on('finish', () => {
      opened.resolve(null)
      closed.resolve()
    })
    parser.on('error', () => {
      opened.reject(broken())
      closed.reject(broken())
    })
    closed.promise.catch(() => {})
    const body = Readable.from(unbroken(request.body ?? []))
    body.on('error', (error) => {
      opened.reject(error)
      closed.reject(error)
      parser.destroy()
    })
    body.pipe(parser)
    try {
      const file = await opened.promise
      if (file === null || others) throw unprocessable('The body has one part, a file named "file"')
      yield* file
      await closed.promise
      if (others) throw unprocessable('The body has one part, a file named "file"')
      if (filename === '') throw unprocessable('The part "file" has a filename')
    } finally {
      body.destroy()
      parser.destroy()
    }
  }

  return { overhead: MULTIPART_OVERHEAD, chunks, filename: () => filename }
}

async function* unbroken(body: AsyncIterable<Uint8Array> | Uint8Array[]) {
  try {
    yield* body
  } catch (cause) {
    throw brokenOff(cause)
  }
}

function brokenOff(cause?: unknown): Refusal {
  const refusal = new Refusal(400, { message: 'The upload broke off before its end' })
  refusal.cause = cause
  return refusal
}

const unprocessable = (message: string) => new Refusal(422, { message })

/** The last part of the name, without what a terminal or a path would act on. */
function label(name: string): string {
  const last = name.split(/[/\\]/).pop() ?? ''
  return [...last.toWellFormed().replace(/\p{Cc}/gu, '')].slice(0, MAX_FILENAME).join('').trim()
}
