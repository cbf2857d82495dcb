import { run } from './program.ts'

/** What of Deno's API is used here, so that one type check covers both runtimes. */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; onListen: () => void },
    handler: (
      request: Request,
      info: { remoteAddr: { hostname?: string } },
    ) => Response | Promise<Response>,
  ): { addr: { hostname: string; port: number }; shutdown(): Promise<void> }
}

/** The same program behind Deno's server, on the PostgreSQL that DATABASE_URL names. */
await run(async ({ hostname, port, app }) => {
  const peers = new WeakMap<Request, string>()
  const fetch = app((request) => peers.get(request) ?? null)
  const server = Deno.serve({ hostname, port, onListen: () => {} }, (request, { remoteAddr }) => {
    if (remoteAddr.hostname !== undefined) peers.set(request, remoteAddr.hostname)
    return fetch(request)
  })
  const { addr } = server
  return { url: `http://${addr.hostname}:${addr.port}`, stop: () => server.shutdown() }
})
