import { createServer, connect as dial, type Socket } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'

export type TcpProxy = Awaited<ReturnType<typeof startProxy>>

/** A TCP proxy on loopback that a test can break: it forwards, refuses, or accepts and hangs up. */
export async function startProxy(
  target: { hostname: string; port: number },
  /** What the answers of each connection pass through. */
  filter: () => Duplex = () => new PassThrough(),
) {
  const sockets = new Set<Socket>()
  let hangsUp = false
  let stalled = false
  const join = (from: Socket, through: Duplex, to: Socket) => {
    sockets.add(from)
    from
      .on('error', () => {})
      .on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    from.pipe(through).pipe(to)
    if (stalled) from.pause()
  }
  const server = createServer((client) => {
    if (hangsUp) return client.destroy()
    const upstream = dial(target.port, target.hostname)
    join(client, new PassThrough(), upstream)
    join(upstream, filter(), client)
  })
  const listen = (port: number) =>
    new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  await listen(0)
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }

  return {
    port,
    async refuse() {
      const closed = new Promise((done) => server.close(done))
      cut()
      await closed
    },
    accept: () => listen(port),
    async hangUp() {
      hangsUp = true
      cut()
    },
    async forward() {
      hangsUp = false
    },
    /** Holds everything back and closes nothing. */
    stall() {
      stalled = true
      for (const socket of sockets) socket.pause()
    },
    goOn() {
      stalled = false
      for (const socket of sockets) socket.resume()
    },
    /** Resolves when all connections that are open now have ended. */
    ended: () =>
      // Not node's `once`, which fails when a connection ends with an error, as one that is reset does.
      Promise.all([...sockets].map((socket) => new Promise((done) => socket.once('close', done)))),
    stop: () => server.close(),
  }
}
