import type { Connection } from './plugins/rate-limit/index.ts'

const OPEN_MS = 1_000

/** A connection that is opened within a second or not at all, and when it breaks is not opened again. */
export async function openRedis(url: string, lost: (error: unknown) => void): Promise<Connection> {
  // Loaded only here: it takes 27 MB, and most installations need none of it.
  const { createClient } = await import('@redis/client')
  const client = createClient({
    url,
    // Nothing is said but AUTH and SELECT: what version 3 of the protocol begins with is newer than some servers.
    RESP: 2,
    disableClientInfo: true,
    disableOfflineQueue: true,
    // `destroy` does not end the wait for a server that does not take the connection.
    socket: { reconnectStrategy: false, connectTimeout: OPEN_MS },
    // The caller has a timeout for each question, at a fraction of the cost.
    commandOptions: { timeout: 0 },
  })
  client.on('error', lost)
  const timer = setTimeout(() => client.destroy(), OPEN_MS)
  try {
    await client.connect()
  } finally {
    clearTimeout(timer)
  }
  return { send: (command) => client.sendCommand(command), close: () => client.destroy() }
}
