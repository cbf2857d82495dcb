import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { type Account, orTaken } from '../auth/accounts.ts'
import { email } from '../auth/fields.ts'
import { Echo } from '../docs/echo.ts'
import { operation } from '../docs/operation.ts'
import { refuse } from '../errors.ts'
import { echo, type ScopeGuard } from '../guard.ts'
import { jsonBody } from '../json-body.ts'
import { body, caseless, documented, success, text } from '../schema.ts'

const User = z.object({
  id: z.uuid(),
  username: z.string(),
  email: z.string(),
  display_name: z.string().nullable(),
  created_at: z.date(),
})
const Changes = documented(
  body({ email: email.optional(), display_name: text(1, 100).nullable().optional() }),
)

export function userRoutes({ sql, guard }: { sql: Sql; guard: ScopeGuard }) {
  const columns = sql`id, username, email, display_name, created_at`

  return new Elysia({ prefix: '/api/v1/users' })
    .use(guard)
    .get(
      '/me',
      async ({ request, path, principal, grant }) => {
        const [user] = await sql<Account[]>`
          select ${columns} from users where id = ${principal.userId}`
        if (!user) throw refuse('not_found')
        return success({ ...echo(request, path, principal, grant), user })
      },
      {
        scope: 'users:read',
        detail: operation('Users', 'Show the owner of the token', {
          answer: [200, Echo.extend({ user: User })],
        }),
      },
    )
    .put(
      '/me',
      async ({ request, path, principal, grant, body: { email, display_name } }) => {
        const [user] = await orTaken(sql<Account[]>`
          update users set updated_at = now()
            ${email === undefined ? sql`` : sql`, email = ${email}, email_key = ${caseless(email)}`}
            ${display_name === undefined ? sql`` : sql`, display_name = ${display_name}`}
          where id = ${principal.userId} returning ${columns}`)
        if (!user) throw refuse('not_found')
        return success({ ...echo(request, path, principal, grant), user })
      },
      {
        scope: 'users:write',
        parse: jsonBody,
        body: Changes,
        detail: operation('Users', 'Change the owner of the token', {
          answer: [200, Echo.extend({ user: User })],
          refusals: { 409: 'The email is taken' },
        }),
      },
    )
}
