import { createServer, connect as dial, type Socket } from 'node:net'

/** What a connection comes to: it ends after so many bytes to the service, or instead of its first answer. */
export type Cut = { afterBytes: number } | 'no answer' | null

/** A TCP proxy on loopback, which ends each connection in turn as `cuts` says. */
export async function cuttingProxy(target: string, cuts: Iterator<Cut>) {
  const { hostname, port } = new URL(target)
  let cut = 0
  const server = createServer((client) => {
    const service = dial(Number(port), hostname)
    const { value = null } = cuts.next() as IteratorResult<Cut, undefined>
    const end = () => {
      for (const socket of [client, service]) socket.destroy()
    }
    const ended = () => {
      cut++
      end()
    }
    let passed = 0
    for (const socket of [client, service]) socket.on('error', end).on('close', end)
    client.on('data', (data: Buffer) => {
      if (value === null || value === 'no answer') return void write(service, client, data)
      const left = value.afterBytes - passed
      passed += data.length
      if (passed < value.afterBytes) return void write(service, client, data)
      service.write(data.subarray(0, left), ended)
    })
    service.on('data', (data: Buffer) => {
      if (value === 'no answer') ended()
      else client.write(data)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** How many connections it has cut so far. */
    cuts: () => cut,
    stop: () => server.close(),
  }
}

function write(to: Socket, from: Socket, data: Uint8Array): void {
  if (to.write(data)) return
  from.pause()
  to.once('drain', () => from.resume())
}
