import { Elysia, status } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { jsonBody } from '../json-body.ts'
import type { Pat } from '../plugins/pat/index.ts'
import { success } from '../schema.ts'
import { EffectiveOn } from '../tokens/answers.ts'
import { createAccounts } from './accounts.ts'
import { Deactivation, Login, PasswordChange, Registration } from './fields.ts'
import type { Passwords } from './password.ts'
import type { Sessions } from './session.ts'
import { endSession } from './session-state.ts'
import type { Throttle } from './throttle.ts'

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
const Done = z.object({ message: z.string() })
const Deactivated = Done.extend({ effective_on: EffectiveOn })

const TAG = 'Accounts'
const WRONG_PASSWORD = {
  403: 'Incorrect password',
  409: 'The account was changed meanwhile',
  429: 'Too many failed attempts, or too many requests from this address',
}

export function authRoutes(given: {
  sql: Sql
  sessions: Sessions
  passwords: Passwords
  throttle: Throttle
  pat: Pat
}) {
  const { sql, sessions, pat } = given
  const accounts = createAccounts(given)

  return new Elysia({ prefix: '/api/v1/auth' })
    .use(sessions)
    .post(
      '/register',
      async ({ request, body }) => status(201, success(await accounts.register(body, request))),
      {
        parse: jsonBody,
        body: Registration,
        detail: operation(TAG, 'Register an account', {
          answer: [201, Registered],
          refusals: {
            409: 'The username or the email is taken',
            429: 'Too many names that were taken, or too many requests from this address',
          },
        }),
      },
    )
    .post(
      '/login',
      async ({ request, body, signSession }) => {
        const account = await accounts.logIn(body.username, body.password, request)
        const { id, username, email } = account
        return success({ ...(await signSession(account)), user: { id, username, email } })
      },
      {
        parse: jsonBody,
        body: Login,
        detail: operation(TAG, 'Log in for an access token', {
          answer: [200, LoggedIn],
          refusals: {
            401: 'Incorrect username or password',
            429: 'Too many failed logins, or too many requests from this address',
          },
        }),
      },
    )
    .post(
      '/logout',
      async ({ session }) => {
        await endSession(sql, session)
        return success({ message: 'Logged out' })
      },
      {
        session: true,
        detail: operation(TAG, 'End this login: its access token is refused from now on', {
          answer: [200, Done],
        }),
      },
    )
    .post(
      '/password',
      async ({ request, body, session }) => {
        await accounts.changePassword(
          session.userId,
          { current: body.current_password, next: body.new_password },
          request,
        )
        return success({ message: 'Password changed: log in again' })
      },
      {
        session: true,
        parse: jsonBody,
        body: PasswordChange,
        detail: operation(TAG, 'Change the password, which ends every login', {
          answer: [200, Done],
          refusals: WRONG_PASSWORD,
        }),
      },
    )
    .post(
      '/deactivate',
      async ({ request, body, session }) => {
        await accounts.deactivate(session.userId, body.password, request)
        const effective_on = await pat.settled()
        return success({ message: 'Account deactivated', effective_on })
      },
      {
        session: true,
        parse: jsonBody,
        body: Deactivation,
        detail: operation(TAG, 'Deactivate the account: its logins and tokens are refused', {
          answer: [200, Deactivated],
          refusals: WRONG_PASSWORD,
        }),
      },
    )
}
