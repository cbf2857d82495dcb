import { isTextWithin } from '../address.ts'
import { after } from '../around.ts'
import { bearerToken, unauthorized } from '../bearer.ts'
import type { Peer } from '../client-address.ts'
import { Refusal } from '../refusal.ts'
import type { Principal } from './known.ts'
import { isWellFormed } from './secret.ts'
import type { tokenUses } from './uses.ts'
import type { Found } from './verification.ts'

/** Looks at the scopes held, and throws when they do not suffice. */
export type Check = (held: readonly string[]) => void

export type AdmissionOptions = {
  address: Peer
  realm: string
  /** Called for each request with a bearer token that is none of ours: it has no row in the audit. */
  onUnknown?: () => void
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
 * The principal behind a request: known, not revoked, not expired, owner active, address allowed, within its limit, in
 * this order, and then `check`. A refusal is thrown; but one of what is no token of ours is returned, for anybody may send any
 * number of those. A promise only when the database, or where the limit counts, has to be asked.
 */
export function admission({
  address,
  realm,
  onUnknown = () => {},
  limit = () => {},
  uses,
}: AdmissionOptions & { uses: ReturnType<typeof tokenUses> }) {
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

  const judged = (
    request: Request,
    found: Found,
    check: Check,
  ): Principal | Refusal | Promise<Principal> => {
    if (!found) {
      uses.none(request)
      onUnknown()
      return refusals.unknown
    }
    const { known, standing } = found
    // Now, while the client is there: nobody can tell the address of one that has gone.
    const from = address(request)
    const use = uses.begun(request, known)
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

  return (request: Request, check: Check): Principal | Refusal | Promise<Principal | Refusal> => {
    const token = bearerToken(request, realm)
    if (token === null) return refusals.missing
    const found = isWellFormed(token) ? uses.find(request, token) : null
    return after(found, (found) => judged(request, found, check))
  }
}
