import { queryOf } from '../plain-query.ts'
import { isTextWithin, parseBlock } from '../plugins/address.ts'
import type { Called } from '../plugins/audit/index.ts'
import type { Peer } from '../plugins/client-address.ts'
import { requestPath } from '../plugins/request-path.ts'

export const VERIFY = '/api/v1/auth/verify'

const METHOD = /^[A-Z][A-Z-]{0,19}$/

export type Original = ReturnType<typeof originals>

/**
 * What a gateway says that its client asked for: in `X-Original-*` (nginx) or `X-Forwarded-*` (Traefik, Caddy), or as the
 * request itself, behind our path (Envoy). The headers are believed only of a trusted proxy, for anybody can write them;
 * and a gateway that sets one kind may pass the other on from its client, so where two disagree none is believed.
 */
export function originals({
  peer,
  trustedProxies,
}: {
  peer: Peer
  trustedProxies: readonly string[]
}) {
  const blocks = trustedProxies.map(parseBlock)
  const isTrusted = (request: Request) => isTextWithin(peer(request), blocks)
  const said = (request: Request) => ({
    methods: distinct([
      request.headers.get('x-original-method'),
      request.headers.get('x-forwarded-method'),
      queryOf(request).get('method'),
    ]),
    uris: distinct([request.headers.get('x-original-uri'), request.headers.get('x-forwarded-uri')]),
  })

  return {
    /** Whether a trusted proxy says two things of the same request. */
    contradicts(request: Request): boolean {
      if (requestPath(request) !== VERIFY || !isTrusted(request)) return false
      const { methods, uris } = said(request)
      return methods.length > 1 || uris.length > 1
    },

    /**
     * What the token was used for. Its path stands behind that of the check, so that nobody can have a path of ours
     * written to a log. Null where the request itself says it.
     */
    called(request: Request, path: string): Called | null {
      if (path !== VERIFY || !isTrusted(request)) return null
      const { methods, uris } = said(request)
      const method = methods.length === 1 && METHOD.test(methods[0] ?? '') ? methods[0] : undefined
      const theirs = uris.length === 1 ? uris[0]?.split('?')[0] : undefined
      return {
        method: method ?? request.method,
        path: theirs === undefined ? VERIFY : `${VERIFY}/${theirs.replace(/^\//, '')}`,
      }
    },
  }
}

const distinct = (given: (string | null)[]): string[] => [
  ...new Set(given.filter((value) => value !== null)),
]
