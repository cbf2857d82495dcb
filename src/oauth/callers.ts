import { Buffer } from 'node:buffer'
import { hash, timingSafeEqual } from 'node:crypto'
import { Elysia } from 'elysia'
import { NAME } from '../name.ts'
import type { Pat } from '../plugins/pat/index.ts'
import { finding, type RouteTable } from '../plugins/route-table.ts'
import { demandScope, insufficientScope } from '../plugins/scopes.ts'
import { LADDERS } from '../scopes.ts'
import { OAuthRefusal } from './form.ts'

export type Client = { id: string; secret: string }

/** Who asks: the user whose token it was, or null for the configured client. */
export type Caller = { userId: string | null }

const REQUIRED = 'users:read'
/** Decoding would end at the padding, and see nothing of a second header that stands behind it. */
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

export type Callers = ReturnType<typeof introspectionCallers>

/**
 * A route that declares `introspection: true` takes a token that holds `users:read`, or by HTTP Basic the credentials
 * of the configured client, if there is one (RFC 7662 §2.1).
 */
export function introspectionCallers({
  routes,
  pat,
  client,
}: {
  routes: RouteTable
  pat: Pat
  client: Client | null
}) {
  const demand = demandScope({ ladders: LADDERS, realm: NAME }, REQUIRED)
  const expected = client && digest(`${client.id}:${client.secret}`)

  const authenticate = async (request: Request): Promise<Caller> => {
    const basic = /^basic\b *(.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
    if (basic === undefined || expected === null) {
      return await pat.authenticate(request, demand)
    }
    const given = BASE64.test(basic) ? Buffer.from(basic, 'base64').toString() : ''
    if (!timingSafeEqual(digest(given), expected)) {
      const headers = { 'www-authenticate': `Basic realm="${NAME}"` }
      throw new OAuthRefusal(401, 'invalid_client', 'Unknown client, or a wrong secret', headers)
    }
    return { userId: null }
  }

  return new Elysia({ name: 'introspection-callers', seed: crypto.randomUUID() })
    .use(routes.guarded)
    .macro({
      introspection: (_: true) => {
        const { guard, found } = finding(authenticate)
        return {
          detail: {
            security: [{ personalAccessToken: [] }, { introspectionClient: [] }],
            ...guard,
          },
          resolve: ({ request }: { request: Request }) => {
            const caller = found(request)
            if (!caller) throw insufficientScope(NAME, REQUIRED, [])
            return { caller }
          },
        }
      },
    })
}

/** Of one length, whatever was sent, so that comparing tells nothing by its time. */
const digest = (text: string) => hash('sha256', text, 'buffer')
