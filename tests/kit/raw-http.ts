import { Buffer } from 'node:buffer'
import type { TestApp } from './app.ts'

/**
 * The app behind a real server, for what only bytes on a socket can say. `handled` has the answer of each request
 * that the app was given, also of those whose client has gone.
 */
export function listen({ app }: Pick<TestApp, 'app'>) {
  const handled: Promise<Response>[] = []
  const { promise: first, resolve: arrived } = Promise.withResolvers<void>()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch(request) {
      const answer = Promise.resolve(app.fetch(request))
      handled.push(answer)
      arrived()
      return answer
    },
  })
  const { port } = server
  if (port === undefined) throw new Error('the server has no port')

  /** A socket, and what has come back on it once the server has closed it or `enough` is satisfied. */
  const open = async (enough: (got: string) => boolean = () => false) => {
    const chunks: Buffer[] = []
    const answered = Promise.withResolvers<string>()
    const got = () => Buffer.concat(chunks).toString('latin1')
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data(_, chunk) {
          chunks.push(Buffer.from(chunk))
          if (enough(got())) answered.resolve(got())
        },
        close: () => answered.resolve(got()),
        error: () => answered.resolve(got()),
      },
    })
    return { socket, answer: answered.promise }
  }

  return {
    handled,
    /** Resolves when the app has been given a request. */
    first,
    open,

    /** Sends one request, a byte a character, and gives back the status and the text of what came. */
    async send(line: string, headers: readonly string[]) {
      const { socket, answer } = await open()
      const head = [`${line} HTTP/1.1`, 'Host: test.local', 'Connection: close', ...headers]
      socket.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'))
      const text = await answer
      return { status: Number(text.split(' ')[1]), text }
    },

    close: () => server.stop(true),
  }
}
