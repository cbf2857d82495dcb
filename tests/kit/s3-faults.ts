// A proxy between the service and its S3 server that fails as networks and servers do.
export type S3Fault =
  /** Answers by itself. */
  | { answer: number; code: string }
  /** Takes the request, and never answers. */
  | 'hang'
  /** Hands the request on and loses the answer. */
  | 'lose'
  /** Gives half of the answer's body, and then no more. */
  | 'stall'
  /** Changes a byte of the body. */
  | 'corrupt'

export type S3Call = { method: string; path: string; query: URLSearchParams }

/** Every request goes through, but those for which `fault` has one. With `tls`, files in PEM, it speaks TLS. */
export function startFaults(target: { port: number }, tls?: { certificate: string; key: string }) {
  let fault: (call: S3Call) => S3Fault | null = () => null
  const calls: S3Call[] = []
  const forever = () => new Promise<Response>(() => {})

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    ...(tls && { tls: { cert: Bun.file(tls.certificate), key: Bun.file(tls.key) } }),
    async fetch(request) {
      const url = new URL(request.url)
      const call = { method: request.method, path: url.pathname, query: url.searchParams }
      calls.push(call)
      const kind = fault(call)
      const body = new Uint8Array(await request.arrayBuffer())
      if (kind === 'hang') return forever()
      if (kind === 'corrupt' && body.length > 0) body[0] = (body[0] ?? 0) ^ 1
      if (kind !== null && typeof kind === 'object') {
        const text = `<?xml version="1.0"?><Error><Code>${kind.code}</Code><Message>hush</Message></Error>`
        return new Response(text, { status: kind.answer, headers: { 'content-type': 'text/xml' } })
      }
      // What was signed names the proxy, by Host, and that is what the server is to see.
      const answer = await fetch(`http://127.0.0.1:${target.port}${url.pathname}${url.search}`, {
        ...{ method: request.method, headers: request.headers, decompress: false },
        ...(body.length > 0 && { body }),
      }).catch(() => null)
      if (answer === null) return new Response('', { status: 502 })
      if (kind === 'lose') {
        await answer.arrayBuffer()
        return forever()
      }
      if (kind !== 'stall') return answer
      const bytes = await answer.bytes()
      const half = new ReadableStream({
        start: (controller) => controller.enqueue(bytes.slice(0, bytes.length / 2)),
        pull: () => new Promise(() => {}),
      })
      return new Response(half, { status: answer.status, headers: answer.headers })
    },
  })
  return {
    endpoint: server.url.origin,
    calls,
    /** From now on. None is a proxy that does no more than that. */
    fail(chosen: (call: S3Call) => S3Fault | null = () => null) {
      fault = chosen
    },
    stop: () => server.stop(true),
  }
}
