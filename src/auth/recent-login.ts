import { refuse } from '../errors.ts'
import { NAME } from '../name.ts'
import type { Session } from './session.ts'

const MAX_AGE_SECONDS = 900
/** By how much the clock of the instance that took the login may be ahead of ours. */
const MAX_AHEAD_SECONDS = 60
const MESSAGE =
  'A token with a delete or admin scope needs a login of the last 15 minutes: log in again'

/**
 * What makes a token that may destroy, or gives it to somebody else, needs a login of the last 15 minutes. An access token
 * that was left lying about is then not enough (RFC 9470, which has the challenge).
 */
export function requireRecentLogin({ loggedInAt }: Session, scopes: readonly string[]): void {
  if (!scopes.some((scope) => /:(delete|admin)$/.test(scope))) return
  const ageSeconds = (Date.now() - loggedInAt.getTime()) / 1000
  // A login of the future is from before the clock was set back, and nobody knows how long before.
  if (ageSeconds >= -MAX_AHEAD_SECONDS && ageSeconds <= MAX_AGE_SECONDS) return
  throw refuse('unauthorized', MESSAGE, {
    headers: {
      'www-authenticate': `Bearer realm="${NAME}", error="insufficient_user_authentication", error_description="${MESSAGE}", max_age="${MAX_AGE_SECONDS}"`,
    },
  })
}
