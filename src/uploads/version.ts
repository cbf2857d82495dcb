import { Elysia } from 'elysia'
import { after, around } from '../plugins/around.ts'
import { requestPath } from '../plugins/request-path.ts'

export const UPLOADS_PATH = '/api/v1/fcs/uploads'
export const VERSION = '1.0.0'

/**
 * Names the version of tus on every answer about uploads, as the protocol has it (tus 1.0, "Tus-Resumable"): also on what
 * guards, the audit and failures answer, of which tus knows nothing.
 */
export function tusVersion() {
  return new Elysia({ name: 'tus-version' }).wrap(
    around((request, handle) => {
      if (!isAboutUploads(requestPath(request))) return handle(request)
      return after(handle(request), (response) => {
        response.headers.set('tus-resumable', VERSION)
        return response
      })
    }),
  )
}

const BELOW = `${UPLOADS_PATH}/`
const isAboutUploads = (path: string) => path === UPLOADS_PATH || path.startsWith(BELOW)
