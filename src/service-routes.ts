import { setTimeout as delay } from 'node:timers/promises'
import { Elysia } from 'elysia'
import { z } from 'zod'
import { operation } from './docs/operation.ts'
import { refuse } from './errors.ts'
import { NAME, VERSION } from './name.ts'
import { success } from './schema.ts'

const Index = z.object({
  name: z.string(),
  version: z.string(),
  docs: z.string(),
  health: z.string(),
  endpoints: z.record(z.string(), z.string()),
})
const HEALTH = {
  'application/json': {
    schema: {
      type: 'object',
      required: ['status'],
      properties: { status: { type: 'string', enum: ['ok'] } },
    },
  },
}

// A database that hangs is as far away as one that is gone, and a probe does not wait for long.
const READY_MS = 2_000

/** `pendingMigrations` lists the migrations that the database lacks, and throws when it does not answer. */
export function serviceRoutes({
  pendingMigrations,
  stopping,
}: {
  pendingMigrations: () => Promise<string[]>
  stopping: () => boolean
}) {
  const index = success({
    name: NAME,
    version: VERSION,
    docs: '/docs',
    health: '/health',
    endpoints: {
      auth: '/api/v1/auth',
      tokens: '/api/v1/tokens',
      workspaces: '/api/v1/workspaces',
      users: '/api/v1/users',
      fcs: '/api/v1/fcs',
    },
  })
  return new Elysia()
    .get('/', () => index, {
      detail: operation('Service', 'Where everything is', { answer: [200, Index] }),
    })
    .get('/health', () => ({ status: 'ok' }), {
      detail: operation('Service', 'Whether the process runs', { answer: [200, HEALTH] }),
    })
    .get(
      '/ready',
      async () => {
        // Answered, not thrown: what ends as it should is no failure for the log.
        if (stopping()) return refuse('unavailable', 'The service is stopping').toResponse()
        const missing = await Promise.race([pendingMigrations(), delay(READY_MS, null)]).catch(
          () => null,
        )
        if (missing === null) {
          throw refuse('unavailable', undefined, {
            data: { missing: ['database'] },
            headers: { 'retry-after': '1' },
          })
        }
        if (missing.length > 0) {
          throw refuse('unavailable', undefined, {
            data: { missing: ['migrations'], migrations: missing },
          })
        }
        return success({ status: 'ready' })
      },
      {
        detail: operation('Service', 'Whether requests can be served', {
          answer: [200, z.object({ status: z.literal('ready') })],
        }),
      },
    )
}
