import { readFile } from 'node:fs/promises'
import { hold, urlOf } from './embedded/holder.ts'
import { initOnce, passwordOf, sweep } from './embedded/init.ts'
import { choosePlace, recordPlace } from './embedded/place.ts'
import { startServer } from './embedded/server.ts'
import type { Log } from './log.ts'

export type Embedded = {
  url: string
  /** Fast shutdown: open transactions are rolled back, everything committed is kept. */
  stop(): Promise<void>
  /** Resolves when the server ends without `stop()`. */
  exited: Promise<void>
}

/**
 * Starts a PostgreSQL of our own below `dataDir`, initialising it the first time. It is durable,
 * listens on 127.0.0.1 only, on a free port, and asks for a random password.
 * Throws a one-line Error when it can't be started or another process of ours holds it.
 */
export async function startEmbedded(options: { dataDir: string; log: Log }): Promise<Embedded> {
  const { dataDir, log } = options
  const place = await choosePlace(dataDir)
  const { folder } = place
  await initOnce(place)
  await recordPlace(dataDir, folder)
  const password = (await readFile(passwordOf(folder), 'utf8')).trim()
  const server = await startServer(place, password, log)
  const url = urlOf(server.port, password)
  const holder = await hold(url).catch(async (error) => {
    await server.stop()
    throw error
  })
  await sweep(folder)
  log.info('embedded database started', { folder, port: server.port })

  const exited = Promise.withResolvers<void>()
  let stopping = false
  void server.ended.then((how) => {
    if (stopping) return
    log.error('embedded database ended', { how })
    exited.resolve()
    return holder.release()
  })
  return {
    url,
    exited: exited.promise,
    stop: async () => {
      stopping = true
      await holder.release()
      await server.stop()
    },
  }
}
