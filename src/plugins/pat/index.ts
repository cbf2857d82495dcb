import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { bearerToken, unauthorized } from '../bearer.ts'
import type { Peer } from '../client-address.ts'
import { Refusal } from '../refusal.ts'
import { type IssuedToken, issue, type NewToken } from './issue.ts'
import { isWellFormed, secretHash } from './secret.ts'

export type { IssuedToken, NewToken } from './issue.ts'

/** Who calls, by a token that is known, live and used from an allowed address. */
export type Principal = {
  tokenId: string
  userId: string
  scopes: readonly string[]
}

/** What an audit needs to know of a request that presented a token of ours. */
export type TokenUse = { tokenId: string; authorized: boolean; reason: string | null }

type Found = Principal & {
  revoked: boolean
  expired: boolean
  ownerActive: boolean
  addressAllowed: boolean | null
}

export type Pat = ReturnType<typeof createPat>

export type PatOptions = {
  sql: Sql
  address: Peer
  realm: string
  /** Called for each request with a bearer token that is none of ours: it has no row in the audit. */
  onUnknown?: () => void
}

/** Issues and checks personal access tokens over the tables of migrations 001 and 002. */
export function createPat({ sql, address, realm, onUnknown }: PatOptions) {
  const uses = new WeakMap<Request, TokenUse | null>()

  const find = async (token: string, request: Request): Promise<Found | undefined> => {
    const [found] = await sql<Found[]>`
      select t.id as "tokenId", t.user_id as "userId", t.scopes,
        t.revoked_at is not null or s.superseded_at <= clock_timestamp() is true as revoked,
        s.expires_at <= clock_timestamp() as expired,
        u.is_active as "ownerActive",
        t.allowed_ips is null or ${address(request)}::inet <<= any(t.allowed_ips::cidr[]) as "addressAllowed"
      from token_secrets s
      join tokens t on t.id = s.token_id
      join users u on u.id = t.user_id
      where s.hash = ${secretHash(token)}`
    return found
  }

  return {
    issue: (token: NewToken): Promise<IssuedToken> => issue(sql, token),

    /**
     * The principal behind a request, or a thrown refusal: known, not revoked, not expired, owner active,
     * address allowed, in this order, and then `check`, which throws when the scopes held do not suffice.
     */
    async authenticate(
      request: Request,
      check: (held: readonly string[]) => void = () => {},
    ): Promise<Principal> {
      const token = bearerToken(request, realm)
      if (token === null) throw unauthorized(realm)
      const invalid = (message: string) => unauthorized(realm, 'invalid_token', message)
      const found = isWellFormed(token) ? await find(token, request) : undefined
      if (!found) {
        uses.set(request, null)
        onUnknown?.()
        throw invalid('Invalid token')
      }
      const use: TokenUse = { tokenId: found.tokenId, authorized: false, reason: null }
      uses.set(request, use)
      try {
        if (found.revoked) throw invalid('Token revoked')
        if (found.expired) throw invalid('Token expired')
        if (!found.ownerActive) throw invalid('Account is inactive')
        if (found.addressAllowed !== true) {
          throw new Refusal(403, { message: 'IP address not allowed' })
        }
        check(found.scopes)
      } catch (error) {
        if (error instanceof Refusal) use.reason = error.message
        throw error
      }
      use.authorized = true
      return found
    },

    /** The use of a token that this request makes, also when the request never came to be authenticated. */
    async use(request: Request): Promise<TokenUse | null> {
      const known = uses.get(request)
      if (known !== undefined) return known
      const token = presented(request)
      const found = token === null ? undefined : await find(token, request)
      return found ? { tokenId: found.tokenId, authorized: false, reason: null } : null
    },
  }
}

/** Mounts issuing and checking as `pat` in an app's context. */
export function pat(options: PatOptions) {
  return new Elysia({ name: 'pat', seed: crypto.randomUUID() }).decorate('pat', createPat(options))
}

/** A well-formed token anywhere in the Authorization header or the query: a refused request is a use of it too. */
function presented({ url, headers }: Request): string | null {
  const queryAt = url.indexOf('?')
  const query = queryAt === -1 ? '' : url.slice(queryAt)
  const given = `${headers.get('authorization') ?? ''} ${query}`
  return given.match(/pat_[0-9A-Za-z]{36}/g)?.find(isWellFormed) ?? null
}
