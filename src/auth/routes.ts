import { Elysia, status } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { jsonBody } from '../json-body.ts'
import { body, caseless, documented, success, text, within } from '../schema.ts'
import { logIn, register } from './accounts.ts'
import type { Sessions } from './session.ts'

const password = z
  .string('text')
  .refine((value) => within(value, 8, 256), 'text of 8 to 256 characters')
  .refine((value) => value.isWellFormed(), 'well-formed Unicode')
  .meta({ type: 'string', minLength: 8, maxLength: 256 })

export const email = z.email('an email address').max(254, 'at most 254 characters')

const Registration = body({ username: text(3, 50), email, password }).refine(
  ({ username, password }) => !caseless(password).includes(caseless(username)),
  { path: ['password'], message: 'a password that does not contain the username' },
)
const Login = body({
  username: z
    .string('text')
    .max(1000, 'at most 1000 characters')
    .refine((name) => !name.includes('\0'), 'text')
    .describe('The username or the email'),
  password: z.string('text').max(1000, 'at most 1000 characters'),
})

const Registered = z.object({
  id: z.uuid(),
  username: z.string(),
  email: z.string(),
  created_at: z.date(),
})
const LoggedIn = z.object({
  access_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.int().describe('Seconds'),
  user: z.object({ id: z.uuid(), username: z.string(), email: z.string() }),
})

export function authRoutes({ sql, sessions }: { sql: Sql; sessions: Sessions }) {
  return new Elysia({ prefix: '/api/v1/auth' })
    .use(sessions)
    .post('/register', async ({ body }) => status(201, success(await register(sql, body))), {
      parse: jsonBody,
      body: documented(Registration),
      detail: operation('Accounts', 'Register an account', {
        answer: [201, Registered],
        refusals: { 409: 'The username or the email is taken' },
      }),
    })
    .post(
      '/login',
      async ({ body, signSession }) => {
        const { id, username, email } = await logIn(sql, body.username, body.password)
        return success({ ...(await signSession(id)), user: { id, username, email } })
      },
      {
        parse: jsonBody,
        body: documented(Login),
        detail: operation('Accounts', 'Log in for an access token', {
          answer: [200, LoggedIn],
          refusals: { 401: 'Incorrect username or password' },
        }),
      },
    )
}
