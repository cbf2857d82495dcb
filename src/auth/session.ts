import { Buffer } from 'node:buffer'
import { jwt } from '@elysiajs/jwt'
import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { z } from 'zod'
import { NAME } from '../name.ts'
import { before } from '../plugins/around.ts'
import { bearerToken, unauthorized } from '../plugins/bearer.ts'
import { answered } from '../plugins/deadline.ts'
import type { RouteTable } from '../plugins/route-table.ts'

const Claims = z.object({ sub: z.uuid(), jti: z.uuid() })

export type Session = { userId: string }

/**
 * A route that declares `session: true` takes the access token of a login and nothing else. `signSession`
 * makes one. Every claim is required, and only HS256 with our key is accepted (RFC 8725 §3.1).
 */
export function sessions(options: {
  sql: Sql
  secret: string
  minutes: number
  routes: RouteTable
}) {
  const { sql, secret, minutes, routes } = options
  const verified = new WeakMap<Request, Session>()
  const { decorator } = new Elysia().use(jwt({ name: 'jwt', secret }))
  const tokens = decorator.jwt

  const verify = async (request: Request): Promise<Session> => {
    const token = bearerToken(request, NAME)
    if (token === null) throw unauthorized(NAME)
    const claims = Claims.safeParse(
      await tokens.verify(token, {
        algorithms: ['HS256'],
        issuer: NAME,
        audience: NAME,
        requiredClaims: ['sub', 'iat', 'exp', 'jti'],
      }),
    )
    if (!claims.success || !isPlain(token)) {
      throw unauthorized(NAME, 'invalid_token', 'Invalid token')
    }
    const userId = claims.data.sub
    const [user] = await answered(sql<{ is_active: boolean }[]>`
      select is_active from users where id = ${userId}`)
    if (!user) throw unauthorized(NAME, 'invalid_token', 'Invalid token')
    if (!user.is_active) throw unauthorized(NAME, 'invalid_token', 'Account is inactive')
    return { userId }
  }

  return new Elysia({ name: 'sessions', seed: crypto.randomUUID() })
    .decorate('signSession', async (userId: string) => ({
      access_token: await tokens.sign({
        sub: userId,
        jti: crypto.randomUUID(),
        iss: NAME,
        aud: NAME,
        exp: Math.floor(Date.now() / 1000) + minutes * 60,
      }),
      token_type: 'bearer' as const,
      expires_in: minutes * 60,
    }))
    .wrap(
      before((request) => {
        if (!routes.match(request)?.detail[DECLARED]) return
        return verify(request).then((session) => void verified.set(request, session))
      }),
    )
    .macro({
      session: (_: true) => ({
        detail: { security: [{ session: [] }], [DECLARED]: true },
        resolve: ({ request }: { request: Request }) => {
          const session = verified.get(request)
          // Only a route that the table did not show can come here unchecked, and it stays closed.
          if (!session) throw unauthorized(NAME)
          return { session }
        },
      }),
    })
}

const DECLARED = 'x-session'

/** Whether the header names its algorithm only. One that names a key (kid, jku, jwk, x5u) is not one of ours. */
function isPlain(jwt: string): boolean {
  const [header = ''] = jwt.split('.')
  const names = Object.keys(JSON.parse(Buffer.from(header, 'base64url').toString()))
  return names.every((name) => name === 'alg' || name === 'typ')
}

export type Sessions = ReturnType<typeof sessions>
