import { Elysia } from 'elysia'
import { isDatabaseDown } from '../db.ts'
import { operation } from '../docs/operation.ts'
import { refuse } from '../errors.ts'
import type { ScopeGuard } from '../guard.ts'
import { documented, Id } from '../schema.ts'
import { StorageUnavailable } from '../storage/storage.ts'
import type { Finishing } from './finishing.ts'
import { notNow, PIECE, type Tus } from './tus.ts'
import type { Upload, Uploads } from './uploads.ts'

const TAG = 'FCS uploads'
const OneUpload = documented(Id)
const EMPTY = {}
type Expiry = () => Promise<Date>

const header = (name: string, schema: Record<string, unknown>, description: string) => ({
  name,
  in: 'header' as const,
  required: true,
  description,
  schema,
})
const VERSION = header('Tus-Resumable', { type: 'string', enum: ['1.0.0'] }, 'The protocol')
const count = { type: 'integer', minimum: 0 }
const LENGTH = header('Upload-Length', count, 'The bytes of the whole file')
const OFFSET = header('Upload-Offset', count, 'From which byte on')
const METADATA = header(
  'Upload-Metadata',
  { type: 'string', pattern: '^filename [A-Za-z0-9+/]{4,40}$' },
  '`filename`, and the name of the file in base64; more pairs may follow',
)

const pieceOf = (more: { nullable?: true }) => ({
  required: true as const,
  content: { [PIECE]: { schema: { type: 'string', format: 'binary', ...more } } },
})
const REFUSALS = {
  400: 'A header is missing or malformed, or for an extension that there is not; or the upload broke off',
  409: 'Bytes of another place than those that are missing',
  412: 'Another version of tus, or none',
  413: 'More than a file may have, or than the room that is left; `data` tells the latter',
}
const FULL = 'The storage is full'
const LOCKED = { 423: 'Another request works on the upload: ask again' }
const UNKNOWN = {
  404: 'No such upload of yours, or it has expired',
  410: 'The bytes of this upload are lost: begin anew',
}

const isAway = (error: unknown) => error instanceof StorageUnavailable || isDatabaseDown(error)

/**
 * Uploads in pieces, by the tus protocol 1.0: what breaks off goes on where it stopped. The id of an upload is that of
 * the file that it becomes.
 */
export function uploadRoutes(options: {
  guard: ScopeGuard
  uploads: Uploads
  tus: Tus
  finishing: Finishing
}) {
  const { guard, uploads, tus, finishing } = options

  /** Lets an upload that is whole become a file; of another one it tells how long it is kept. */
  const proceed = async (response: Response, id: string, size: number, expires: Expiry) => {
    const isWhole = Number(response.headers.get('upload-offset') ?? 0) === size
    if (isWhole) await finishing.begin(id)
    else response.headers.set('upload-expires', (await expires()).toUTCString())
    return response
  }

  const known = (upload: Upload | null): Upload => {
    if (!upload) throw refuse('not_found')
    return upload
  }

  return new Elysia({ prefix: '/api/v1/fcs' })
    .use(guard)
    .options(
      '/uploads',
      // A browser asks this of its own accord, without a token.
      async ({ request }) => {
        const response = await tus.answer(request)
        response.headers.set('allow', 'OPTIONS, POST')
        return response
      },
      {
        detail: {
          ...operation(TAG, 'Ask what of tus there is, and how much a file may have', {
            answer: [204, EMPTY],
          }),
          security: [],
        },
      },
    )
    .post(
      '/uploads',
      async ({ request, principal }) => {
        const response = await tus.answer(request, { owner: principal.userId })
        const id = response.headers.get('location')?.split('/').pop() ?? ''
        const size = Number(request.headers.get('upload-length'))
        return proceed(response, id, size, () => uploads.touch(id, 'beginning'))
      },
      {
        scope: 'fcs:write',
        parse: 'none',
        detail: {
          ...operation(TAG, 'Begin an upload in pieces', {
            description: 'By the tus protocol 1.0. A body is the first piece.',
            answer: [201, EMPTY],
            refusals: { ...REFUSALS, 507: FULL },
            requestBody: pieceOf({ nullable: true }),
          }),
          parameters: [VERSION, LENGTH, METADATA],
        },
      },
    )
    .head(
      '/uploads/:id',
      async ({ request, params, principal }) => {
        try {
          const upload = known(await uploads.own(principal.userId, params.id))
          const { id, size_bytes, expires_at } = upload
          const response = await tus.answer(request, { id })
          return await proceed(response, id, size_bytes, async () => expires_at)
        } catch (error) {
          if (!isAway(error)) throw error
          throw notNow('How much of this upload there is can not be told at the moment')
        }
      },
      {
        scope: 'fcs:write',
        params: OneUpload,
        detail: {
          ...operation(TAG, 'Show how much of an upload there is', {
            answer: [200, EMPTY],
            refusals: {
              ...REFUSALS,
              ...UNKNOWN,
              423: 'Another request works on the upload, or the storage or the database does not answer: ask again',
            },
          }),
          parameters: [VERSION],
        },
      },
    )
    .patch(
      '/uploads/:id',
      async ({ request, params, principal }) => {
        const { id, size_bytes } = known(await uploads.resume(principal.userId, params.id))
        try {
          const response = await tus.answer(request, { id })
          return await proceed(response, id, size_bytes, () => uploads.touch(id, 'piece'))
        } catch (error) {
          // Of a piece that broke off some bytes have come.
          if (request.signal.aborted) await uploads.touch(id, 'piece')
          throw error
        }
      },
      {
        scope: 'fcs:write',
        params: OneUpload,
        parse: 'none',
        detail: {
          ...operation(TAG, 'Send the next piece', {
            description:
              'The last piece begins the reading of the file, which has the id of its upload.',
            answer: [204, EMPTY],
            refusals: {
              ...REFUSALS,
              ...UNKNOWN,
              ...LOCKED,
              415: 'The piece is of another content type',
              507: FULL,
            },
            requestBody: pieceOf({}),
          }),
          parameters: [VERSION, OFFSET],
        },
      },
    )
    .delete(
      '/uploads/:id',
      async ({ request, params, principal }) => {
        const { id } = known(await uploads.own(principal.userId, params.id))
        return tus.answer(request, { id })
      },
      {
        scope: 'fcs:write',
        params: OneUpload,
        detail: {
          ...operation(TAG, 'Give an upload up', {
            description: 'One whose last byte has come is deleted as a file.',
            answer: [204, EMPTY],
            refusals: { ...REFUSALS, ...LOCKED, 404: UNKNOWN[404] },
          }),
          parameters: [VERSION],
        },
      },
    )
}
