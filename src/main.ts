import { run } from './program.ts'

/** The one module that needs Bun: its server. */
await run(async ({ hostname, port, app }) => {
  const fetch = app((request) => server.requestIP(request)?.address ?? null)
  const server = Bun.serve({
    hostname,
    port,
    fetch,
    // The upload route counts bytes itself, after the credentials; Bun's own limit would speak first.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // Seconds without a byte, either way: slow is allowed, silent is not.
    idleTimeout: 60,
  })
  return { url: server.url.origin, stop: () => server.stop() }
})
