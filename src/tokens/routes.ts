import { Elysia, status } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { requireRecentLogin } from '../auth/recent-login.ts'
import type { Sessions } from '../auth/session.ts'
import { operation } from '../docs/operation.ts'
import { jsonBody } from '../json-body.ts'
import { cursor, decodeCursor, queryNumber } from '../paging.ts'
import type { Pat } from '../plugins/pat/index.ts'
import { documented, Id, success } from '../schema.ts'
import { Issued, Item, Items, Logs, Revoked } from './answers.ts'
import { AllowedIps, NewToken, RateLimit, Regeneration } from './fields.ts'
import { logCursor, tokenLog } from './log.ts'
import { regenerate } from './regenerate.ts'
import { ownTokens } from './tokens.ts'

const List = documented(
  z.object({
    limit: queryNumber(1, 200).default(50),
    cursor,
    status: z.enum(['active', 'expired', 'revoked'], 'active, expired or revoked').optional(),
  }),
)
// In years 1 to 9999: PostgreSQL reads no others in this form.
const instant = z.iso
  .datetime({ offset: true, message: 'an ISO 8601 time' })
  .transform((text) => new Date(text))
  .refine((at) => at.getUTCFullYear() >= 1 && at.getUTCFullYear() <= 9999, 'an ISO 8601 time')
  .optional()
const Log = documented(
  z.object({
    limit: queryNumber(1, 1000).default(50),
    offset: queryNumber(0, 1_000_000_000).default(0),
    cursor: logCursor.optional(),
    authorized: z
      .enum(['true', 'false'], 'true or false')
      .transform((text) => text === 'true')
      .optional(),
    from: instant.describe('Uses at or after this instant'),
    to: instant.describe('Uses before this instant'),
  }),
)
const OneToken = documented(Id)
const TAG = 'Tokens'
const UNKNOWN = { 404: 'No such token of yours' }
const OLD_LOGIN = {
  401: 'No credential, one that is not accepted, or a login too long ago for a token with a delete or admin scope',
}

/** Managing one's own tokens. All of it needs a login: a token can't make, see or change tokens. */
export function tokenRoutes({ sql, sessions, pat }: { sql: Sql; sessions: Sessions; pat: Pat }) {
  const tokens = ownTokens(sql)

  return new Elysia({ prefix: '/api/v1/tokens' })
    .use(sessions)
    .post(
      '',
      async ({ body, session }) => {
        requireRecentLogin(session, body.scopes)
        const issued = await pat.issue({
          userId: session.userId,
          name: body.name,
          scopes: body.scopes,
          expiresInDays: body.expires_in_days,
          allowedIps: body.allowed_ips ?? null,
          perMinute: body.rate_limit_per_minute ?? null,
        })
        return status(201, success(issued))
      },
      {
        session: true,
        parse: jsonBody,
        body: NewToken,
        detail: operation(TAG, 'Create a token', { answer: [201, Issued], refusals: OLD_LOGIN }),
      },
    )
    .get(
      '',
      async ({ query: { limit, cursor, status }, session }) =>
        success(await tokens.list(session.userId, { limit, status, after: decodeCursor(cursor) })),
      {
        session: true,
        query: List,
        detail: operation(TAG, 'List your tokens, newest first', { answer: [200, Items] }),
      },
    )
    .get(
      '/:id',
      async ({ params, session }) => success(await tokens.find(session.userId, params.id)),
      {
        session: true,
        params: OneToken,
        detail: operation(TAG, 'Show a token', { answer: [200, Item], refusals: UNKNOWN }),
      },
    )
    .delete(
      '/:id',
      async ({ params, session }) => {
        const token_id = await tokens.revoke(session.userId, params.id)
        const effective_on = await pat.settled()
        return success({ message: 'Token revoked successfully', token_id, effective_on })
      },
      {
        session: true,
        params: OneToken,
        detail: operation(TAG, 'Revoke a token', { answer: [200, Revoked], refusals: UNKNOWN }),
      },
    )
    .get(
      '/:id/logs',
      async ({ params, query, session }) => {
        const { id, name } = await tokens.find(session.userId, params.id)
        const { limit, offset, cursor, authorized, from, to } = query
        const wanted = { limit, offset, before: cursor, authorized, from, to }
        const { total_logs, ...page } = await tokenLog(sql, id, wanted)
        return success({ token_id: id, token_name: name, total_logs, limit, offset, ...page })
      },
      {
        session: true,
        params: OneToken,
        query: Log,
        detail: operation(TAG, 'Every use of a token, newest first', {
          answer: [200, Logs],
          refusals: UNKNOWN,
        }),
      },
    )
    .post(
      '/:id/regenerate',
      async ({ params, body, session }) => {
        requireRecentLogin(session, (await tokens.find(session.userId, params.id)).scopes)
        const issued = await regenerate(sql, session.userId, params.id, {
          days: body?.expires_in_days,
          graceSeconds: body?.grace_seconds ?? 0,
        })
        await pat.settled()
        return success(issued)
      },
      {
        session: true,
        params: OneToken,
        parse: jsonBody,
        body: Regeneration,
        detail: operation(TAG, 'Replace the string of a token', {
          answer: [200, Issued],
          refusals: {
            ...UNKNOWN,
            ...OLD_LOGIN,
            409: 'The token is revoked, or expired and no new expiry is given',
          },
        }),
      },
    )
    .put(
      '/:id/allowed-ips',
      async ({ params, body, session }) => {
        requireRecentLogin(session, (await tokens.find(session.userId, params.id)).scopes)
        const item = await tokens.allowIps(session.userId, params.id, body.allowed_ips)
        await pat.settled()
        return success(item)
      },
      {
        session: true,
        params: OneToken,
        parse: jsonBody,
        body: AllowedIps,
        detail: operation(TAG, 'Set the addresses a token may be used from', {
          answer: [200, Item],
          refusals: { ...UNKNOWN, ...OLD_LOGIN },
        }),
      },
    )
    .put(
      '/:id/rate-limit',
      async ({ params, body, session }) => {
        const item = await tokens.limitRate(session.userId, params.id, body.rate_limit_per_minute)
        await pat.settled()
        return success(item)
      },
      {
        session: true,
        params: OneToken,
        parse: jsonBody,
        body: RateLimit,
        detail: operation(TAG, 'Set how often a token may be used', {
          answer: [200, Item],
          refusals: UNKNOWN,
        }),
      },
    )
}
