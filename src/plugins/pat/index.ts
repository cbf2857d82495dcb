import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { isTextWithin } from '../address.ts'
import { bearerToken, unauthorized } from '../bearer.ts'
import type { Peer } from '../client-address.ts'
import { noted } from '../noted.ts'
import { Refusal } from '../refusal.ts'
import { type IssuedToken, issue, type NewToken } from './issue.ts'
import type { Known, Principal } from './known.ts'
import { isWellFormed } from './secret.ts'
import { createVerification, type Found } from './verification.ts'

export type { Effect } from './barrier.ts'
export type { IssuedToken, NewToken } from './issue.ts'
export type { Principal } from './known.ts'

/** What an audit needs to know of a request that presented a token of ours. */
export type TokenUse = {
  tokenId: string
  authorized: boolean
  reason: string | null
  /** Of a token that is accepted: when the string that was presented ends. */
  expiresAt?: Date
}

type Check = (held: readonly string[]) => void

export type Pat = ReturnType<typeof createPat>

export type PatOptions = {
  sql: Sql
  address: Peer
  realm: string
  /** Called for each request with a bearer token that is none of ours: it has no row in the audit. */
  onUnknown?: () => void
  /**
   * Called with true when no change of a token is heard for some seconds, so that every check asks the database,
   * and with false when it is again.
   */
  onDeaf?: (deaf: boolean) => void
  /**
   * Counts a request of a live token from an allowed address, before its scope is looked at, and throws a `Refusal`
   * when there were too many. `perMinute` is the token's own limit.
   */
  limit?: (
    request: Request,
    token: { tokenId: string; perMinute: number | null },
  ) => void | Promise<void>
}

/**
 * Issues and checks personal access tokens over the tables of migrations 001, 002, 008 and 012. What it has looked up it
 * remembers, as docs/revocation.md says.
 */
export function createPat({
  sql,
  address,
  realm,
  onUnknown = () => {},
  onDeaf = () => {},
  limit = () => {},
}: PatOptions) {
  const uses = noted<TokenUse | null>()
  const looking = noted<Promise<Found>>()
  const { find, settled, close } = createVerification({ sql, onDeaf })
  const invalid = (message: string) => unauthorized(realm, 'invalid_token', message)
  // Made once: a flood of refusals costs little more than finding out that they are due.
  const refusals = {
    missing: unauthorized(realm),
    unknown: invalid('Invalid token'),
    revoked: invalid('Token revoked'),
    expired: invalid('Token expired'),
    inactive: invalid('Account is inactive'),
    address: new Refusal(403, { message: 'IP address not allowed' }),
  }

  const admit = (request: Request, found: Found, check: Check): Principal | Promise<Principal> => {
    if (!found) {
      uses.set(request, null)
      onUnknown()
      throw refusals.unknown
    }
    const { known, standing } = found
    // Now, while the client is there: nobody can tell the address of one that has gone.
    const from = address(request)
    const use = useOf(known)
    uses.set(request, use)
    const accepted = () => {
      check(known.principal.scopes)
      use.authorized = true
      return known.principal
    }
    const refused = (error: unknown) => {
      if (error instanceof Refusal) use.reason = error.message
      throw error
    }
    try {
      if (standing === 'revoked') throw refusals.revoked
      if (standing === 'expired') throw refusals.expired
      if (!known.ownerActive) throw refusals.inactive
      use.expiresAt = known.principal.expiresAt
      if (known.allowed && !isTextWithin(from, known.allowed)) {
        throw refusals.address
      }
      const counted = limit(request, { tokenId: use.tokenId, perMinute: known.perMinute })
      return counted ? counted.then(accepted).catch(refused) : accepted()
    } catch (error) {
      return refused(error)
    }
  }

  return {
    issue: (token: NewToken): Promise<IssuedToken> => issue(sql, token),

    /**
     * The principal behind a request, or a thrown refusal: known, not revoked, not expired, owner active,
     * address allowed, within its limit, in this order, and then `check`, which throws when the scopes held do not
     * suffice. A promise only when the database, or where the limit counts, has to be asked.
     */
    authenticate(request: Request, check: Check = () => {}): Principal | Promise<Principal> {
      const token = bearerToken(request, realm)
      if (token === null) throw refusals.missing
      const found = isWellFormed(token) ? find(token) : null
      if (!(found instanceof Promise)) return admit(request, found, check)
      looking.set(request, found)
      return found.then((found) => admit(request, found, check))
    },

    /**
     * What a string is good for now, or null when it would not be accepted from anywhere. Asking is no use of it, and
     * the addresses that it may be used from are not looked at.
     */
    async inspect(token: string): Promise<Principal | null> {
      const found = isWellFormed(token) ? await find(token) : null
      return found?.standing === 'live' && found.known.ownerActive ? found.known.principal : null
    },

    /** When the token ends that this request was found to present. */
    expiry: (request: Request): Date | undefined => uses.get(request)?.expiresAt,

    /** The use of a token that this request makes, also when the request never came to be authenticated. */
    use(request: Request): TokenUse | null | Promise<TokenUse | null> {
      const known = uses.get(request)
      if (known !== undefined) return known
      const token = presented(request)
      // A look-up that failed is not tried again.
      const found = looking.get(request) ?? (token === null ? null : find(token))
      return found instanceof Promise
        ? found.then((found) => found && useOf(found.known))
        : found && useOf(found.known)
    },

    /** The use that this request makes of the token it presents has its row, and needs no other. */
    recorded: (request: Request): void => void uses.set(request, null),

    /**
     * Resolves when every change to tokens and users that was committed before holds on every instance of the
     * service: each has confirmed it, or uses nothing any more that it remembers. Within a second.
     */
    settled,

    /** Ends the connection that it keeps. */
    close,
  }
}

const useOf = ({ principal }: Known): TokenUse => ({
  tokenId: principal.tokenId,
  authorized: false,
  reason: null,
})

/** Mounts issuing and checking as `pat` in an app's context, until the app stops. */
export function pat(options: PatOptions) {
  const pat = createPat(options)
  return new Elysia({ name: 'pat', seed: crypto.randomUUID() })
    .decorate('pat', pat)
    .onStop(() => pat.close())
}

/** A well-formed token anywhere in the Authorization header or the query: a refused request is a use of it too. */
function presented({ url, headers }: Request): string | null {
  const queryAt = url.indexOf('?')
  const query = queryAt === -1 ? '' : url.slice(queryAt)
  const given = `${headers.get('authorization') ?? ''} ${query}`
  return given.match(/pat_[0-9A-Za-z]{36}/g)?.find(isWellFormed) ?? null
}
