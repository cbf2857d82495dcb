import { Elysia, status } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { refuse } from '../errors.ts'
import type { ScopeGuard } from '../guard.ts'
import type { Log } from '../log.ts'
import { cursor, decodeCursor, queryNumber } from '../paging.ts'
import { fcs, MULTIPART_OVERHEAD } from '../plugins/fcs/index.ts'
import { documented, Id, success } from '../schema.ts'
import type { Storage } from '../storage/storage.ts'
import { unfinished } from '../uploads/unfinished.ts'
import type { Uploads } from '../uploads/uploads.ts'
import { Deleted, Files, ShownFile, Uploaded } from './answers.ts'
import { dataSetItem, dataSetItems } from './data-sets.ts'
import { download } from './download.ts'
import { ownFiles } from './files.ts'
import { fileKeeper } from './keep.ts'
import type { StorageQuota } from './quota.ts'
import { sourceOf } from './reading.ts'

const List = documented(z.object({ limit: queryNumber(1, 200).default(50), cursor }))
const OneFile = documented(Id)
const TAG = 'FCS files'
const UNKNOWN = { 404: 'No such file of yours' }
const bytes = { type: 'string', format: 'binary' }
const FCS_FILE = { 'application/vnd.isac.fcs': { schema: bytes } }

/** A new one each time, for Elysia writes into it. */
const uploadOperation = () => ({
  ...operation(TAG, 'Upload an FCS file', {
    description: 'Multipart with one part `file`, or the raw bytes with a `filename` query.',
    answer: [201, Uploaded],
    refusals: {
      400: 'The upload broke off',
      413: 'The file is too large, or larger than the room that is left, as `data` then tells',
      415: 'Another content type',
      422: 'No readable FCS file; `data.reason` is a code',
      507: 'The storage is full',
    },
    requestBody: {
      required: true,
      content: {
        'multipart/form-data': {
          schema: { type: 'object', required: ['file'], properties: { file: bytes } },
        },
        'application/octet-stream': { schema: bytes },
      },
    },
  }),
  parameters: [
    {
      name: 'filename',
      in: 'query' as const,
      description: 'The name of a file that is sent raw',
      schema: { type: 'string' as const },
    },
  ],
})

/** What the file in a body has at least, as far as its headers tell: a length that is given twice is no number. */
const leastBytes = ({ headers }: Request) =>
  Math.max(0, (Number(headers.get('content-length')) || 0) - MULTIPART_OVERHEAD)

/** Keeping FCS files: upload, list, show, download, delete. */
export function fileRoutes(options: {
  sql: Sql
  guard: ScopeGuard
  storage: Storage
  quota: StorageQuota
  uploads: Uploads
  maxBytes: number
  log: Log
}) {
  const { sql, guard, storage, quota, uploads, maxBytes, log } = options
  const files = ownFiles(sql)

  const keep = fileKeeper({ sql, quota, storage, log })

  return new Elysia({ prefix: '/api/v1/fcs' })
    .use(guard)
    .use(fcs({ maxBytes }))
    .post(
      '/upload',
      async ({ request, set, principal, receiveFcs }) => {
        await quota.expect(principal.userId, leastBytes(request))
        const { id, filename, description } = await keep(principal.userId, (sink) =>
          receiveFcs(request, sink),
        )
        set.headers.location = `/api/v1/fcs/files/${id}`
        return status(
          201,
          success({
            file_id: id,
            filename,
            total_events: description.total_events,
            total_parameters: description.parameters.length,
          }),
        )
      },
      { scope: 'fcs:write', parse: 'none', detail: uploadOperation() },
    )
    .get(
      '/files',
      async ({ query: { limit, cursor }, principal }) =>
        success(await files.list(principal.userId, { limit, after: decodeCursor(cursor) })),
      {
        scope: 'fcs:read',
        query: List,
        detail: operation(TAG, 'List your files, newest first', { answer: [200, Files] }),
      },
    )
    .get(
      '/files/:id',
      async ({ params, principal }) => {
        // Asked first: what it says is over becomes a file in the same moment.
        const upload = unfinished(await uploads.own(principal.userId, params.id))
        if (upload) return success(upload)
        const { description, ...item } = await files.describe(principal.userId, params.id)
        const { version, keywords, analysis, warnings } = dataSetItem(description, 1)
        const data_sets = dataSetItems(description)
        return success({ ...item, version, keywords, analysis, warnings, data_sets })
      },
      {
        scope: 'fcs:read',
        params: OneFile,
        detail: operation(TAG, 'Show a file', {
          description:
            'One that was uploaded in pieces is read after that: until then it is `processing`.',
          answer: [200, ShownFile],
          refusals: UNKNOWN,
        }),
      },
    )
    .delete(
      '/files/:id',
      async ({ params, principal }) => {
        const { id } = params
        const upload = await uploads.end(principal.userId, id)
        const file = await files.remove(principal.userId, id)
        if (upload.count + file.count === 0) throw refuse('not_found')
        // The row is the truth: without it the bytes are unreachable, and what does not go now the sweep takes.
        await storage
          .remove(id)
          .then(() => files.released(id))
          .catch((error) => log.error('file not removed', { id, error: String(error) }))
        return success({ message: 'File deleted successfully', file_id: id })
      },
      {
        scope: 'fcs:write',
        params: OneFile,
        detail: operation(TAG, 'Delete a file with its bytes', {
          answer: [200, Deleted],
          refusals: UNKNOWN,
        }),
      },
    )
    .get(
      '/files/:id/download',
      async ({ request, params, principal }) => {
        const file = await files.find(principal.userId, params.id)
        const source = sourceOf({ files, storage }, principal.userId, file)
        return download(request, file, source, log)
      },
      {
        scope: 'fcs:read',
        params: OneFile,
        detail: operation(TAG, 'Download the very bytes that were uploaded', {
          answer: [200, FCS_FILE],
          alsoAnswers: {
            206: { description: 'The range asked for', content: FCS_FILE },
            304: 'The client has these bytes',
          },
          refusals: {
            ...UNKNOWN,
            410: 'The bytes of the file are lost',
            416: 'The range lies outside of the file',
          },
        }),
      },
    )
}
