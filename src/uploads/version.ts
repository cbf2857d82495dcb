import { requestPath } from '../plugins/request-path.ts'

export const UPLOADS_PATH = '/api/v1/fcs/uploads'
export const VERSION = '1.0.0'

/**
 * Names the version of tus on every answer about uploads, as the protocol has it (tus 1.0, "Tus-Resumable"): also on what
 * guards, the audit and failures answer, of which tus knows nothing.
 */
export function tusVersion(request: Request, headers: Headers): void {
  const path = requestPath(request)
  if (path === UPLOADS_PATH || path.startsWith(BELOW)) headers.set('tus-resumable', VERSION)
}

const BELOW = `${UPLOADS_PATH}/`
