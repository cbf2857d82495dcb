import { noted } from './plugins/noted.ts'
import { run } from './program.ts'

/** The one module that needs Bun: its server. */
await run(({ hostname, port, fetch }) => {
  // HTTP/1.0 needs no Host, and without a usable one Bun gives the path alone as the URL.
  const received = noted<Request>()
  const absolute = (request: Request, origin: string) => {
    const made = new Request(`${origin}${request.url}`, request)
    received.set(made, request)
    return made
  }
  const server = Bun.serve({
    hostname,
    port,
    fetch: (request, server) =>
      fetch(request.url.startsWith('/') ? absolute(request, server.url.origin) : request),
    // The upload route counts bytes itself, after the credentials; Bun's own limit would speak first.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // Bun's own page for an error that nothing caught would show its stack.
    development: false,
    // In production Bun lets a second program listen on the same port: each would get half of the requests.
    reusePort: false,
    // Seconds without a byte, either way: slow is allowed, silent is not.
    idleTimeout: 60,
  })
  return {
    url: server.url.origin,
    peer: (request) => server.requestIP(received.get(request) ?? request)?.address ?? null,
    stop: () => server.stop(),
    abort: () => server.stop(true),
  }
})
