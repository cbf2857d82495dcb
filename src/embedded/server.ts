import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { settle } from './holder.ts'
import { clusterOf } from './init.ts'
import type { Place } from './place.ts'
import { childOptions, output } from './process.ts'

export type Server = { port: number; ended: Promise<string>; stop(): Promise<void> }

/**
 * What passes by itself: another program took the port first, a server killed outright has
 * backends that have not noticed yet, or another process of ours starts at the same moment.
 */
const passing = /Address already in use|shared memory block|lock file .* already exists/

/** Starts the server on a free port and waits until it accepts connections. */
export async function startServer(place: Place, password: string, log: Log): Promise<Server> {
  const deadline = Date.now() + 15_000
  for (;;) {
    await settle(place.folder, password)
    const started = await launch(place, await freePort(), log)
    if (typeof started !== 'string') return started
    if (!passing.test(started) || Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start: ${started}`)
    }
    await delay(200)
  }
}

/** The running server, or the reason why there is none. */
async function launch(place: Place, port: number, log: Log): Promise<Server | string> {
  const child = spawn(
    join(place.bin, 'postgres'),
    ['-D', clusterOf(place.folder), ...flags(port)],
    childOptions(place.folder, place.account),
  )
  const ready = Promise.withResolvers<'ready'>()
  const { lines, ended } = output(child, (line) => {
    log.debug('postgres', { line })
    if (line.includes('database system is ready to accept connections')) ready.resolve('ready')
  })
  const unwatch = stopWithUs(child)
  void ended.then(unwatch)
  const outcome = await Promise.race([ready.promise, ended])
  if (outcome !== 'ready') return `${outcome}: ${lines.join(' | ')}`
  return { port, ended, stop: () => stop(child, ended) }
}

/**
 * Should this process be killed outright, the pipe closes and a shell stops the server.
 * Where there is no shell, the next start does it (`settle`).
 */
function stopWithUs(child: ChildProcess): () => void {
  const watch = spawn('sh', ['-c', 'read _; kill -INT "$0"', String(child.pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watch.on('error', () => undefined)
  return () => void watch.kill('SIGKILL')
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.kill('SIGINT')
  const late = setTimeout(() => child.kill('SIGQUIT'), 5_000)
  await ended
  clearTimeout(late)
}

function flags(port: number): string[] {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // The lines that this program looks for are the English ones.
    lc_messages: 'C',
    log_destination: 'stderr',
    logging_collector: 'off',
    // Statements and DETAIL lines quote rows, and rows may hold what no log should.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (address && typeof address === 'object') resolve(address.port)
        else reject(new Error('no free port on 127.0.0.1'))
      })
    })
  })
}
