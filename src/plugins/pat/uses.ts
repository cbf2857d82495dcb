import { after } from '../around.ts'
import { noted } from '../noted.ts'
import type { Known } from './known.ts'
import { isWellFormed } from './secret.ts'
import type { Found } from './verification.ts'

/** What an audit needs to know of a request that presented a token of ours. */
export type TokenUse = {
  tokenId: string
  authorized: boolean
  reason: string | null
  /** Of a token that is accepted: when the string that was presented ends. */
  expiresAt?: Date
}

/** Which token each request uses, and whether it may. */
export function tokenUses(find: (token: string) => Found | Promise<Found>) {
  const uses = noted<TokenUse | null>()
  const looking = noted<Promise<Found>>()

  return {
    /** What there is to know of the well-formed string that the request presents. Who asks for its `use` meanwhile waits, too. */
    find(request: Request, token: string): Found | Promise<Found> {
      const found = find(token)
      if (found instanceof Promise) looking.set(request, found)
      return found
    },

    /** The request presents this token: a use of it, which is not authorized yet. */
    begun(request: Request, known: Known): TokenUse {
      const use = useOf(known)
      uses.set(request, use)
      return use
    },

    /** The request uses no token of ours, or its use has its row and needs no other. */
    none: (request: Request): void => uses.set(request, null),

    expiry: (request: Request): Date | undefined => uses.get(request)?.expiresAt,

    use(request: Request): TokenUse | null | Promise<TokenUse | null> {
      const known = uses.get(request)
      if (known !== undefined) return known
      const token = presented(request)
      // A look-up that failed is not tried again.
      const found = looking.get(request) ?? (token === null ? null : find(token))
      return after(found, (found) => found && useOf(found.known))
    },
  }
}

const useOf = ({ principal }: Known): TokenUse => ({
  tokenId: principal.tokenId,
  authorized: false,
  reason: null,
})

/** A well-formed token anywhere in the Authorization header or the query: a refused request is a use of it too. */
function presented({ url, headers }: Request): string | null {
  const queryAt = url.indexOf('?')
  const query = queryAt === -1 ? '' : url.slice(queryAt)
  const given = `${headers.get('authorization') ?? ''} ${query}`
  return given.match(/pat_[0-9A-Za-z]{36}/g)?.find(isWellFormed) ?? null
}
