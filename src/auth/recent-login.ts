import { refuse } from '../errors.ts'
import { NAME } from '../name.ts'
import type { Session } from './session.ts'

const MAX_AGE_SECONDS = 900
const MESSAGE =
  'A token with a delete or admin scope needs a login of the last 15 minutes: log in again'

/**
 * What makes a token that may destroy, or gives it to somebody else, needs a login of the last 15 minutes. An access token
 * that was left lying about is then not enough (RFC 9470, which has the challenge).
 */
export function requireRecentLogin({ loggedInAt }: Session, scopes: readonly string[]): void {
  if (!scopes.some((scope) => /:(delete|admin)$/.test(scope))) return
  if (Date.now() - loggedInAt.getTime() <= MAX_AGE_SECONDS * 1000) return
  throw refuse('unauthorized', MESSAGE, {
    headers: {
      'www-authenticate': `Bearer realm="${NAME}", error="insufficient_user_authentication", error_description="${MESSAGE}", max_age="${MAX_AGE_SECONDS}"`,
    },
  })
}
