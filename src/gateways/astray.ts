import { Elysia } from 'elysia'
import { refuse } from '../errors.ts'
import { before } from '../plugins/around.ts'
import { requestPath } from '../plugins/request-path.ts'
import { VERIFY } from './original.ts'

export const REQUIRED_SCOPE = 'x-required-scope'

/**
 * Refuses a gateway's question that has not come where it was sent. Envoy puts the path of its client behind ours, and
 * servers take `..` out of a path: `/api/v1/auth/verify/../../../../health` would be a 200 to anybody. Only such a
 * question names a scope.
 */
export function questionsAstray() {
  return new Elysia({ name: 'questions-astray' }).wrap(
    before((request) => {
      if (!request.headers.has(REQUIRED_SCOPE)) return
      const path = requestPath(request)
      if (path === VERIFY || path.startsWith(`${VERIFY}/`)) return
      throw refuse('bad_request', `X-Required-Scope is for ${VERIFY} alone`)
    }),
  )
}
