import { noted } from './plugins/noted.ts'
import { Refusal } from './plugins/refusal.ts'
import { run } from './program.ts'

/** What of Deno's API is used here, so that one type check covers both runtimes. */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; signal: AbortSignal; onListen: () => void },
    handler: (
      request: Request,
      info: { remoteAddr: { hostname?: string } },
    ) => Response | Promise<Response>,
  ): { addr: { hostname: string; port: number }; shutdown(): Promise<void> }
}

/**
 * What may stand in a Host (RFC 3986 §3.2.2). Deno puts the field into the URL as it came, where the rest of `x/health?`
 * would be the path, and what was asked for its query.
 */
const HOST = /^[\w.~!$&'()*+,;=:%[\]-]*$/

/** The same program behind Deno's server, on the PostgreSQL that DATABASE_URL names. */
await run(({ hostname, port, fetch, settled }) => {
  const connections = new AbortController()
  const peers = noted<string>()
  let state: 'open' | 'draining' | 'closing' = 'open'
  const stopping = new Refusal(503, {
    message: 'The service is stopping',
    headers: { 'retry-after': '1' },
  })
  const malformed = new Refusal(400, { message: 'The Host is malformed' })
  const server = Deno.serve(
    { hostname, port, signal: connections.signal, onListen: () => {} },
    (request, { remoteAddr }) => {
      if (state !== 'open') return stopping.toResponse()
      if (!HOST.test(request.headers.get('host') ?? '')) return malformed.toResponse()
      if (remoteAddr.hostname !== undefined) peers.set(request, remoteAddr.hostname)
      return fetch(request)
    },
  )
  const { addr } = server
  return {
    url: `http://${addr.hostname}:${addr.port}`,
    peer: (request) => peers.get(request) ?? null,
    async stop() {
      state = 'draining'
      // Deno's own shutdown breaks off the bodies that are still being read.
      await settled()
      state = 'closing'
      await server.shutdown()
    },
    async abort() {
      if (state === 'draining') connections.abort()
    },
  }
})
