// A PostgreSQL of a test's own, for what none of the others may feel: killed, frozen, short of disk.
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'
import { urlOf } from '../../src/embedded/holder.ts'
import { clusterOf, initOnce, passwordOf } from '../../src/embedded/init.ts'
import { choosePlace, type Place } from '../../src/embedded/place.ts'
import { childOptions } from '../../src/embedded/process.ts'
import { until } from '../kit/service.ts'

export type Database = Awaited<ReturnType<typeof ownDatabase>>

/** Starts it in `folder`, on a port that it keeps, once `prepare` has had its place; `env` is for its processes. */
export async function ownDatabase(
  folder: string,
  {
    prepare = async () => {},
    env = {},
  }: { prepare?: (place: Place) => Promise<void>; env?: Record<string, string> } = {},
) {
  const place = await choosePlace(folder)
  await initOnce(place)
  await prepare(place)
  const password = (await readFile(passwordOf(place.folder), 'utf8')).trim()
  const port = await freePort()
  const url = urlOf(port, password)
  let server: ChildProcess

  const start = async () => {
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
    const options = settings.flatMap((setting) => ['-c', setting])
    const plain = childOptions(place.folder, place.account)
    server = spawn(join(place.bin, 'postgres'), ['-D', clusterOf(place.folder), ...options], {
      ...plain,
      env: { ...plain.env, ...env },
      stdio: 'ignore',
    })
    await until(() => answers(url))
  }
  const signal = async (name: NodeJS.Signals) => {
    for (const pid of await family(server.pid ?? 0)) {
      // One that has ended meanwhile needs no signal.
      try {
        process.kill(pid, name)
      } catch {}
    }
  }
  const ended = () => new Promise<void>((resolve) => void server.once('close', () => resolve()))

  await start()
  return {
    url,
    place,
    start,
    /** Stops every process of it where it stands. */
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    /** Ends every process of it outright. */
    async kill() {
      const closed = ended()
      await signal('SIGKILL')
      await closed
    },
    async stop() {
      const closed = ended()
      server.kill('SIGINT')
      await closed
    },
  }
}

async function answers(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    await sql`select`
    return true
  } catch {
    return false
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** A process and those that it has started. PostgreSQL's start none themselves. */
async function family(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return [pid, ...children.trim().split(' ').filter(Boolean).map(Number)]
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
