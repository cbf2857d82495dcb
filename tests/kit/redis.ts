// A Redis of the test's own, on a Unix socket and on no port, that keeps nothing when it ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRedis } from '../../src/redis.ts'
import { until } from './service.ts'

const program = Bun.which('redis-server') ?? Bun.which('valkey-server')
/** For names of what is skipped without it. */
export const unlessRedis = program ? '' : ' (skipped: redis-server is not installed)'
export const hasRedis = program !== null

export type TestRedis = Awaited<ReturnType<typeof testRedis>>

/** More arguments are those of redis-server. */
export async function testRedis(...args: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'pat-redis-'))
  const socket = join(folder, 'redis.sock')
  const url = `unix://${socket}`
  let child: ChildProcess | undefined
  let closed: Promise<unknown> = Promise.resolve()

  const command = async (...words: string[]): Promise<unknown> => {
    const { send, close } = await openRedis(url, () => {})
    return send(words).finally(close)
  }
  const start = async () => {
    if (!program) throw new Error('redis-server is not installed')
    const own = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '']
    child = spawn(program, [...own, ...args], { stdio: 'ignore' })
    closed = new Promise((resolve) => child?.once('close', resolve))
    await until(() =>
      command('PING').then(
        () => true,
        (error) => String(error).includes('NOAUTH'),
      ),
    )
  }
  const kill = async () => {
    child?.kill('SIGKILL')
    await closed
  }
  await start()
  return {
    url,
    command,
    /** Starts it again after `kill`, with nothing in it. */
    start,
    kill,
    signal: (name: NodeJS.Signals) => void child?.kill(name),
    async end() {
      await kill()
      await rm(folder, { recursive: true })
    },
  }
}
