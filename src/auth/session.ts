import { Buffer } from 'node:buffer'
import { jwt } from '@elysiajs/jwt'
import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { NAME } from '../name.ts'
import { bearerToken, unauthorized } from '../plugins/bearer.ts'
import { finding, type RouteTable } from '../plugins/route-table.ts'
import { beginSession, sessionState } from './session-state.ts'

const Claims = z.object({
  sub: z.uuid(),
  jti: z.uuid(),
  exp: z.number(),
  auth_time: z.int(),
  epoch: z.int(),
})

/** A login, as its access token tells of it. */
export type Session = { userId: string; jti: string; expiresAt: Date; loggedInAt: Date }

/**
 * A route that declares `session: true` takes the access token of a login and nothing else. `signSession`
 * makes one, with the first of `secrets`; one that was signed with another of them is good until it expires. Every
 * claim is required, and only HS256 with our keys is accepted (RFC 8725 §3.1).
 */
export function sessions(options: {
  sql: Sql
  secrets: readonly [string, ...string[]]
  minutes: number
  routes: RouteTable
}) {
  const { sql, secrets, minutes, routes } = options
  const signer = (secret: string) => new Elysia().use(jwt({ name: 'jwt', secret })).decorator.jwt
  const [current, ...previous] = secrets
  const tokens = signer(current)
  const known = [tokens, ...previous.map(signer)]

  const claimsOf = async (token: string) => {
    for (const { verify } of known) {
      const claims = Claims.safeParse(
        await verify(token, {
          algorithms: ['HS256'],
          issuer: NAME,
          audience: NAME,
          requiredClaims: ['sub', 'iat', 'exp', 'jti'],
        }),
      )
      if (claims.success && isPlain(token)) return claims.data
    }
    throw unauthorized(NAME, 'invalid_token', 'Invalid token')
  }

  const verify = async (request: Request): Promise<Session> => {
    const token = bearerToken(request, NAME)
    if (token === null) throw unauthorized(NAME)
    const { sub: userId, jti, exp, auth_time, epoch } = await claimsOf(token)
    const state = await sessionState(sql, { userId, jti })
    if (!state) throw unauthorized(NAME, 'invalid_token', 'Invalid token')
    if (!state.is_active) throw unauthorized(NAME, 'invalid_token', 'Account is inactive')
    if (!state.open || state.session_epoch !== epoch) {
      throw unauthorized(NAME, 'invalid_token', 'Session ended')
    }
    return {
      userId,
      jti,
      expiresAt: new Date(exp * 1000),
      loggedInAt: new Date(auth_time * 1000),
    }
  }

  return new Elysia({ name: 'sessions', seed: crypto.randomUUID() })
    .decorate('signSession', async (account: { id: string; session_epoch: number }) => {
      const now = Math.floor(Date.now() / 1000)
      const exp = now + minutes * 60
      const jti = crypto.randomUUID()
      await beginSession(sql, { userId: account.id, jti, expiresAt: new Date(exp * 1000) })
      const access_token = await tokens.sign({
        sub: account.id,
        jti,
        iss: NAME,
        aud: NAME,
        exp,
        auth_time: now,
        epoch: account.session_epoch,
      })
      return { access_token, token_type: 'bearer' as const, expires_in: minutes * 60 }
    })
    .use(routes.guarded)
    .macro({
      session: (_: true) => {
        const { guard, found } = finding(verify)
        return {
          detail: { security: [{ session: [] }], ...guard },
          resolve: ({ request }: { request: Request }) => {
            const session = found(request)
            if (!session) throw unauthorized(NAME)
            return { session }
          },
        }
      },
    })
}

/** Whether the header names its algorithm only. One that names a key (kid, jku, jwk, x5u) is not one of ours. */
function isPlain(jwt: string): boolean {
  const [header = ''] = jwt.split('.')
  const names = Object.keys(JSON.parse(Buffer.from(header, 'base64url').toString()))
  return names.every((name) => name === 'alg' || name === 'typ')
}

export type Sessions = ReturnType<typeof sessions>
