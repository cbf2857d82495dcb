import { connect } from 'node:net'
import type { AppOptions } from '../../src/app.ts'
import { testApp } from '../kit/app.ts'

/** The whole app behind a socket, as the program serves it. */
export async function served(options: Partial<AppOptions> = {}, hostname = '127.0.0.1') {
  const peer = (request: Request): string | null => server.requestIP(request)?.address ?? null
  const app = await testApp({ ...options, peer })
  const server = Bun.serve({
    hostname,
    port: 0,
    fetch: app.app.fetch,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  })
  return {
    ...app,
    port: server.port ?? 0,
    async close() {
      await server.stop(true)
      await app.close()
    },
  }
}

/** What a server says to these bytes before it closes the connection or, if asked, after the first words. */
export function say(port: number, bytes: string, { until = 'close', host = '127.0.0.1' } = {}) {
  return new Promise<string>((done, failed) => {
    let heard = ''
    const socket = connect(port, host, () => socket.write(bytes))
    socket.setEncoding('latin1')
    socket.on('error', failed)
    socket.on('close', () => done(heard))
    socket.on('data', (text: string) => {
      heard += text
      if (until !== 'close' && heard.includes(until)) socket.destroy()
    })
  })
}
