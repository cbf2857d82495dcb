export type Fetch = (request: Request) => Response | Promise<Response>

/** `fetch` itself, and a way to wait until every request that it was given has its response. */
export function inFlight(fetch: Fetch) {
  const running = new Set<Promise<Response>>()
  return {
    fetch(request: Request): Response | Promise<Response> {
      const response = fetch(request)
      if (response instanceof Promise) {
        const done = () => void running.delete(response)
        running.add(response)
        response.then(done, done)
      }
      return response
    },
    async settled(): Promise<void> {
      while (running.size > 0) await Promise.allSettled(running)
    },
  }
}
