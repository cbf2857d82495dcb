import { Elysia, status } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { Echo } from '../docs/echo.ts'
import { operation } from '../docs/operation.ts'
import { echo, type ScopeGuard } from '../guard.ts'
import { jsonBody } from '../json-body.ts'
import { cursor, decodeCursor, queryNumber } from '../paging.ts'
import { body, documented, Id, success, text } from '../schema.ts'
import { ownWorkspaces } from './workspaces.ts'

const MAX_SETTINGS = 64 * 1024

const Workspace = z.object({
  id: z.uuid(),
  name: z.string(),
  description: z.string().nullable(),
  settings: z.record(z.string(), z.unknown()),
  created_at: z.date(),
  updated_at: z.date(),
})

const NewWorkspace = documented(
  body({ name: text(1, 100), description: text(0, 1000).nullable().optional() }),
)
const List = documented(z.object({ limit: queryNumber(1, 200).default(50), cursor }))
const OneWorkspace = documented(Id)

// The escapes of U+0000 and of halves of pairs, after any number of whole escapes of a backslash.
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i

// Any JSON object, kept as its text: PostgreSQL takes no U+0000 and no half of a pair inside of it.
const Settings = documented(
  z.record(z.string(), z.unknown(), 'a JSON object').transform((settings, context) => {
    const json = JSON.stringify(settings)
    if (json.length <= MAX_SETTINGS && !UNSTORABLE.test(json)) return json
    context.addIssue({
      code: 'custom',
      message: `a JSON object of at most ${MAX_SETTINGS} characters, none of them NUL or half a pair`,
    })
    return z.NEVER
  }),
)

const TAG = 'Workspaces'
const UNKNOWN = { 404: 'No such workspace of yours' }

export function workspaceRoutes({ sql, guard }: { sql: Sql; guard: ScopeGuard }) {
  const workspaces = ownWorkspaces(sql)

  return new Elysia({ prefix: '/api/v1/workspaces' })
    .use(guard)
    .get(
      '',
      async ({ request, path, principal, grant, query: { limit, cursor } }) =>
        success({
          ...echo(request, path, principal, grant),
          ...(await workspaces.list(principal.userId, { limit, after: decodeCursor(cursor) })),
        }),
      {
        scope: 'workspaces:read',
        query: List,
        detail: operation(TAG, 'List your workspaces, newest first', {
          answer: [
            200,
            Echo.extend({
              workspaces: z.array(Workspace),
              total: z.int(),
              next_cursor: z.string().nullable(),
            }),
          ],
        }),
      },
    )
    .post(
      '',
      async ({ request, path, principal, grant, body }) => {
        const { name, description } = body
        const workspace = await workspaces.create(principal.userId, name, description ?? null)
        return status(201, success({ ...echo(request, path, principal, grant), workspace }))
      },
      {
        scope: 'workspaces:write',
        parse: jsonBody,
        body: NewWorkspace,
        detail: operation(TAG, 'Create a workspace', {
          answer: [201, Echo.extend({ workspace: Workspace })],
        }),
      },
    )
    .delete(
      '/:id',
      async ({ request, path, principal, grant, params }) => {
        const { id } = await workspaces.remove(principal.userId, params.id)
        return success({ ...echo(request, path, principal, grant), workspace_id: id })
      },
      {
        scope: 'workspaces:delete',
        params: OneWorkspace,
        detail: operation(TAG, 'Delete a workspace', {
          answer: [200, Echo.extend({ workspace_id: z.uuid() })],
          refusals: UNKNOWN,
        }),
      },
    )
    .put(
      '/:id/settings',
      async ({ request, path, principal, grant, params, body }) => {
        const workspace = await workspaces.replaceSettings(principal.userId, params.id, body)
        return success({ ...echo(request, path, principal, grant), workspace })
      },
      {
        scope: 'workspaces:admin',
        params: OneWorkspace,
        parse: jsonBody,
        body: Settings,
        detail: operation(TAG, 'Replace the settings of a workspace', {
          answer: [200, Echo.extend({ workspace: Workspace })],
          refusals: UNKNOWN,
        }),
      },
    )
}
