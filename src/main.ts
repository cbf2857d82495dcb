import { run } from './program.ts'

/** HTTP/1.0 needs no Host, and without a usable one Bun gives the path alone as the URL. */
const absolute = (request: Request, origin: string) =>
  request.url.startsWith('/') ? new Request(`${origin}${request.url}`, request) : request

/** The one module that needs Bun: its server. */
await run(({ hostname, port, fetch }) => {
  const server = Bun.serve({
    hostname,
    port,
    fetch: (request, server) =>
      fetch(absolute(request, server.url.origin), server.requestIP(request)?.address ?? null),
    // The upload route counts bytes itself, after the credentials; Bun's own limit would speak first.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // Bun's own page for an error that nothing caught would show its stack.
    development: false,
    // In production Bun lets a second program listen on the same port: each would get half of the requests.
    reusePort: false,
    // Seconds without a byte, either way: slow is allowed, silent is not.
    idleTimeout: 60,
  })
  return { url: server.url.origin, stop: () => server.stop(), abort: () => server.stop(true) }
})
