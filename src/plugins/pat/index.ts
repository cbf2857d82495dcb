import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { after } from '../around.ts'
import { Refusal } from '../refusal.ts'
import { type AdmissionOptions, admission, type Check } from './admission.ts'
import { type IssuedToken, issue, type NewToken } from './issue.ts'
import type { Principal } from './known.ts'
import { isWellFormed } from './secret.ts'
import { tokenUses } from './uses.ts'
import { createVerification } from './verification.ts'

export type { Effect } from './barrier.ts'
export type { IssuedToken, NewToken } from './issue.ts'
export type { Principal } from './known.ts'
export type { TokenUse } from './uses.ts'

export type Pat = ReturnType<typeof createPat>

export type PatOptions = AdmissionOptions & {
  sql: Sql
  /**
   * Called with true when no change of a token is heard for some seconds, so that every check asks the database,
   * and with false when it is again.
   */
  onDeaf?: (deaf: boolean) => void
}

/**
 * Issues and checks personal access tokens over the tables of migrations 001, 002, 008 and 012. What it has looked up it
 * remembers, as docs/revocation.md says.
 */
export function createPat({ sql, onDeaf = () => {}, ...options }: PatOptions) {
  const { find, settled, close } = createVerification({ sql, onDeaf })
  const uses = tokenUses(find)
  const admit = admission({ ...options, uses })

  return {
    issue: (token: NewToken): Promise<IssuedToken> => issue(sql, token),

    /** For a guard: the principal behind a request, or a refusal, which is thrown or returned. */
    admit,

    /** For anybody else: the same, and every refusal is thrown. */
    authenticate: (request: Request, check: Check = () => {}): Principal | Promise<Principal> =>
      after(admit(request, check), (admitted) => {
        if (admitted instanceof Refusal) throw admitted
        return admitted
      }),

    /**
     * What a string is good for now, or null when it would not be accepted from anywhere. Asking is no use of it, and
     * the addresses that it may be used from are not looked at.
     */
    async inspect(token: string): Promise<Principal | null> {
      const found = isWellFormed(token) ? await find(token) : null
      return found?.standing === 'live' && found.known.ownerActive ? found.known.principal : null
    },

    /** When the token ends that a request was found to present. */
    expiry: uses.expiry,

    /** The use of a token that a request makes, also when it never came to be authenticated. */
    use: uses.use,

    /** The use that a request makes of the token it presents has its row, and needs no other. */
    recorded: uses.none,

    /**
     * Resolves when every change to tokens and users that was committed before holds on every instance of the
     * service: each has confirmed it, or uses nothing any more that it remembers. Within a second.
     */
    settled,

    /** Ends the connection that it keeps. */
    close,
  }
}

/** Mounts issuing and checking as `pat` in an app's context, until the app stops. */
export function pat(options: PatOptions) {
  const pat = createPat(options)
  return new Elysia({ name: 'pat', seed: crypto.randomUUID() })
    .decorate('pat', pat)
    .onStop(() => pat.close())
}
