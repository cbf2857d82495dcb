import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import type { Peer } from '../plugins/client-address.ts'
import type { Pat } from '../plugins/pat/index.ts'
import { jsonSchema } from '../schema.ts'
import { revokePresented } from '../tokens/revoke-presented.ts'
import type { Callers } from './callers.ts'
import { FORM, oauthError, oauthErrorOrRefusal, presentedToken } from './form.ts'
import { introspect } from './introspection.ts'

const Introspection = z.object({
  active: z.boolean().describe('False stands alone'),
  scope: z.string().optional().describe('The scopes held, separated by spaces'),
  username: z.string().optional(),
  token_type: z.literal('Bearer').optional(),
  exp: z.int().optional().describe('When it ends, in seconds since 1970'),
  iat: z.int().optional().describe('When it was issued, in seconds since 1970'),
  sub: z.uuid().optional().describe('The id of its owner'),
  jti: z.uuid().optional().describe('The id of the token'),
  allowed_ips: z
    .array(z.string())
    .optional()
    .describe('Addresses and blocks that it may be used from, when it has such a list'),
})
const bare = (schema: z.ZodType) => ({
  'application/json': { schema: jsonSchema(schema, 'output') },
})
const BAD_FORM = '`invalid_request`: no form, or not one `token` in it'

/** What OAuth has for tokens, with the bodies of its RFCs in place of the envelope. */
export function oauthRoutes({
  sql,
  pat,
  callers,
  address,
}: {
  sql: Sql
  pat: Pat
  callers: Callers
  address: Peer
}) {
  return new Elysia({ prefix: '/oauth' })
    .use(callers)
    .post(
      '/introspect',
      async ({ request, caller }) =>
        introspect({ sql, pat }, await presentedToken(request), caller),
      {
        introspection: true,
        parse: 'none',
        detail: operation('OAuth', 'Whether a token is active, and what it may do (RFC 7662)', {
          description:
            'With a token that holds `users:read`, or as the configured client. Asking is no use of the token.',
          answer: [200, bare(Introspection)],
          alsoAnswers: {
            400: oauthErrorOrRefusal(BAD_FORM),
            401: oauthErrorOrRefusal('No credential, or one that is not accepted'),
          },
          refusals: { 413: 'The body is too large' },
          requestBody: FORM,
        }),
      },
    )
    .post(
      '/revoke',
      async ({ request }) => {
        const token = await presentedToken(request)
        const revoked = await revokePresented({ sql, pat }, request, [token], {
          ip: address(request),
          endpoint: '/oauth/revoke',
          status_code: 200,
          authorized: true,
          reason: null,
        })
        if (revoked > 0) await pat.settled()
        return new Response(null)
      },
      {
        parse: 'none',
        detail: operation('OAuth', 'Revoke a token by presenting it (RFC 7009)', {
          description:
            'Whoever holds a token may end it. 200 too when there is nothing to revoke. When it is answered, no instance accepts the token in a request that begins later.',
          answer: [200, {}],
          alsoAnswers: { 400: oauthError(BAD_FORM) },
          refusals: { 413: 'The body is too large' },
          requestBody: FORM,
        }),
      },
    )
}
