import { setTimeout as delay } from 'node:timers/promises'
import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { refuse } from '../errors.ts'
import { ownFiles } from '../files/files.ts'
import { streamOf } from '../files/forms/answer.ts'
import type { ScopeGuard } from '../guard.ts'
import { headersOnly } from '../head.ts'
import { documented, Id } from '../schema.ts'
import { UnfinishedFile, unfinished } from './unfinished.ts'
import type { Uploads } from './uploads.ts'

const LOOK_MS = 500
const EVENT_STREAM = 'text/event-stream'

/** The data of one event. */
const Progress = UnfinishedFile.pick({ progress: true, failure: true }).extend({
  status: z.enum(['processing', 'failed', 'ready']),
})
type Progress = z.infer<typeof Progress>
const READY: Progress = { status: 'ready', progress: 1, failure: null }

/** How far a file is that was uploaded in pieces. */
export function progressRoutes(options: { sql: Sql; guard: ScopeGuard; uploads: Uploads }) {
  const { sql, guard, uploads } = options
  const files = ownFiles(sql)

  async function look(owner: string, id: string): Promise<Progress | null> {
    const file = unfinished(await uploads.own(owner, id))
    if (!file) return (await files.has(owner, id)) ? READY : null
    const { status, progress, failure } = file
    return { status, progress, failure }
  }

  return new Elysia({ prefix: '/api/v1/fcs' }).use(guard).get(
    '/files/:id/progress',
    async ({ request, params: { id }, principal: { userId } }) => {
      const first = await look(userId, id)
      if (!first) throw refuse('not_found')
      const headers = { 'content-type': EVENT_STREAM }
      if (request.method === 'HEAD') return headersOnly(request, headers, null)
      return new Response(streamOf(events(first, () => look(userId, id))), { headers })
    },
    {
      scope: 'fcs:read',
      params: documented(Id),
      detail: operation('FCS files', 'Follow how far a file is that was uploaded in pieces', {
        description:
          'Server-sent events until the file is ready or has failed. Their data is JSON with the `status`, `progress` and ' +
          '`failure` of `/fcs/files/{id}`, where `status` ends as `ready` or `failed`.',
        answer: [200, { [EVENT_STREAM]: { schema: { type: 'string' } } }],
        refusals: { 404: 'No such file of yours' },
      }),
    },
  )
}

async function* events(first: Progress, look: () => Promise<Progress | null>) {
  const encoder = new TextEncoder()
  let shown = ''
  // A file that is deleted meanwhile has no more to tell.
  for (let now: Progress | null = first; now; now = await look()) {
    const event = `data: ${JSON.stringify(now)}\n\n`
    // A comment where nothing is new: a connection on which nothing passes is taken for dead.
    yield encoder.encode(event === shown ? ':\n\n' : event)
    if (now.status !== 'processing') return
    shown = event
    await delay(LOOK_MS)
  }
}
