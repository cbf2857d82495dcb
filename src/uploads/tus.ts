import { DataStore, ERRORS, Server, Upload } from '@tus/server'
import type { Sql } from 'postgres'
import { refuse } from '../errors.ts'
import { fileLabel } from '../plugins/fcs/index.ts'
import { noted } from '../plugins/noted.ts'
import { Refusal } from '../plugins/refusal.ts'
import { leases } from './lease.ts'
import type { Parts } from './parts.ts'
import type { Uploads } from './uploads.ts'
import { UPLOADS_PATH, VERSION } from './version.ts'

export const PIECE = 'application/offset+octet-stream'
/** What the library reads of a request. It refuses others for what is in them, and does nothing else with them. */
const ASKED = [
  ...['tus-resumable', 'content-type', 'content-length', 'upload-offset', 'upload-length'],
  ...['upload-metadata', 'upload-defer-length', 'upload-concat'],
]
/** Of the answers of the library: its headers for other origins are not ours. */
const HEADERS = [
  ...['tus-version', 'tus-extension', 'tus-max-size', 'location'],
  ...['upload-offset', 'upload-length', 'upload-metadata'],
]

export type Tus = ReturnType<typeof tus>

/** Whose upload a POST begins, or which one another request is for. */
type Subject = { owner?: string; id?: string }
/** Of a request: whose upload it begins, which one it has begun, and why it failed. */
type Course = { owner: string | undefined; begun?: string; failure?: unknown }

/** Its own statuses where those of the library say something else in the contract, or in the protocol. */
const STATUS = new Map<unknown, number>([
  [ERRORS.MISSING_OFFSET, 400],
  // With a 5xx tus-js-client would try again, and the log would have an error.
  [ERRORS.UNSUPPORTED_CONCATENATION_EXTENSION, 400],
  [ERRORS.UNSUPPORTED_CREATION_DEFER_LENGTH_EXTENSION, 400],
])

/** The tus 1.0 protocol. Throws refusals. */
export function tus(options: { sql: Sql; uploads: Uploads; parts: Parts; maxBytes: number }) {
  const { sql, uploads, parts, maxBytes } = options
  const courses = noted<Course>()
  const server = new Server({
    path: UPLOADS_PATH,
    // The client knows by which name it has reached us, and whether over TLS.
    relativeLocation: true,
    maxSize: maxBytes,
    lockDrainTimeout: 500,
    namingFunction: () => crypto.randomUUID(),
    locker: leases(sql),
    datastore: rowsAndParts(uploads, parts),
    async onUploadCreate(request, { id, size = 0, metadata = {} }) {
      const course = courses.get(request)
      if (course?.owner === undefined) throw new Error('an upload of nobody')
      const { owner } = course
      const filename = fileLabel(metadata.filename ?? '')
      if (filename === '') {
        throw refuse(
          'unprocessable',
          'Upload-Metadata names the file: filename, and its name in base64',
        )
      }
      await uploads.create({ id, owner, filename, metadata, size_bytes: size })
      course.begun = id
      return {}
    },
    onResponseError(request, error) {
      const course = courses.get(request)
      if (course) course.failure = error
      return undefined
    },
  })

  return {
    /** An answer without a body. */
    async answer(request: Request, { owner, id }: Subject = {}): Promise<Response> {
      demandProtocol(request)
      const asked = askedOf(request, id)
      const course: Course = { owner }
      courses.set(asked, course)
      const response = await server.handleWeb(asked)
      if (response.status >= 400) {
        // Nobody has heard where it is, to go on with it or to give it up.
        if (course.begun !== undefined) await uploads.giveUp(course.begun)
        throw refusal(request, response.status, await response.text(), course.failure)
      }
      const headers = new Headers()
      for (const name of HEADERS) {
        const value = response.headers.get(name)
        if (value !== null) headers.set(name, value)
      }
      return new Response(null, { status: response.status, headers })
    },
  }
}

/**
 * Of all refusals of HEAD it is this one after which tus-js-client asks again: after any other, a 503 as well, it sends
 * the file anew from its first byte (tus/tus-js-client#895). Other clients take it for what it says, too.
 */
export const notNow = (message: string) =>
  refuse('locked', message, { headers: { 'retry-after': '1' } })

function demandProtocol({ method, headers }: Request): void {
  if (method === 'OPTIONS') return
  if (headers.get('tus-resumable') !== VERSION) {
    const message = `Tus-Resumable has to be ${VERSION}`
    throw new Refusal(412, { message, headers: { 'tus-version': VERSION } })
  }
  if (method === 'PATCH' && headers.get('content-type') !== PIECE) {
    throw refuse('unsupported_media_type', `Content-Type has to be ${PIECE}`)
  }
}

/**
 * What the library is asked. It takes the id from the end of the URL, the query included: here it finds the one that was
 * looked at before, in the form in which its row has it.
 */
function askedOf({ method, headers, body }: Request, id: string | undefined): Request {
  const path = id === undefined ? UPLOADS_PATH : `${UPLOADS_PATH}/${id}`
  const given = ASKED.flatMap((name): [string, string][] => {
    const value = headers.get(name)
    return value === null ? [] : [[name, value]]
  })
  return new Request(`http://uploads${path}`, {
    method,
    headers: given,
    ...(body && { body, duplex: 'half' }),
  })
}

function refusal(request: Request, status: number, text: string, error: unknown): unknown {
  if (error instanceof Refusal) return error
  if (request.signal.aborted || error === ERRORS.ABORTED) {
    return refuse('bad_request', 'The upload broke off before its end')
  }
  // What the library has no name for is from below.
  if (error instanceof Error && !('status_code' in error)) return error
  if (error === ERRORS.ERR_LOCK_TIMEOUT) {
    return notNow('Another request works on this upload')
  }
  if (status >= 500 && !STATUS.has(error)) return new Error(`tus: ${text.trim()}`)
  return new Refusal(STATUS.get(error) ?? status, { message: text.trim() })
}

/** What is known of an upload from its row, and its bytes from where they are kept. */
function rowsAndParts(uploads: Uploads, parts: Parts): DataStore {
  const find = async (id: string) => {
    const upload = await uploads.find(id)
    if (!upload) throw ERRORS.FILE_NOT_FOUND
    return upload
  }
  return Object.assign(new DataStore(), {
    extensions: ['creation', 'creation-with-upload', 'termination', 'expiration'],
    async create(upload: Upload) {
      await parts.create(upload.id)
      return upload
    },
    async getUpload(id: string) {
      const { size_bytes: size, metadata, state } = await find(id)
      // The bytes of what is finished are elsewhere, and all there.
      const offset = state === 'receiving' ? await parts.size(id) : size
      return new Upload({ id, size, offset, metadata })
    },
    async write(...[stream, id, offset]: Parameters<DataStore['write']>) {
      const { size_bytes } = await find(id)
      return offset === size_bytes ? offset : parts.write(stream, id, offset)
    },
    // Also one whose bytes are lost, which would otherwise keep its room for a day.
    async remove(id: string) {
      if ((await find(id)).state !== 'receiving') throw ERRORS.INVALID_TERMINATION
      await parts.remove(id)
      await uploads.giveUp(id)
    },
  })
}
