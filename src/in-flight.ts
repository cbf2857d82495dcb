export type Fetch = (request: Request) => Response | Promise<Response>

/** `fetch` itself, and a way to wait until every request that it was given has its response. */
export function inFlight(fetch: Fetch) {
  let running = 0
  const waiting: (() => void)[] = []
  const done = () => {
    running--
    if (running === 0) for (const resolve of waiting.splice(0)) resolve()
  }
  return {
    fetch(request: Request): Response | Promise<Response> {
      const response = fetch(request)
      if (response instanceof Promise) {
        running++
        response.then(done, done)
      }
      return response
    },
    settled: () =>
      new Promise<void>((resolve) => {
        if (running === 0) resolve()
        else waiting.push(resolve)
      }),
  }
}
