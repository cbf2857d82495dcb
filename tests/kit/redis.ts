// A Redis of the test's own, on a Unix socket and on no port, that keeps nothing when it ends.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRedis } from '../../src/redis.ts'
import { engine } from './engine.ts'

const program = Bun.which('redis-server') ?? Bun.which('valkey-server')
/** For names of what is skipped without it. */
export const unlessRedis = program ? '' : ' (skipped: redis-server is not installed)'
export const hasRedis = program !== null

export type TestRedis = Awaited<ReturnType<typeof testRedis>>

/** More arguments are those of redis-server. */
export async function testRedis(...args: string[]) {
  if (!program) throw new Error('redis-server is not installed')
  const folder = await mkdtemp(join(tmpdir(), 'pat-redis-'))
  const socket = join(folder, 'redis.sock')
  const url = `unix://${socket}`

  const command = async (...words: string[]): Promise<unknown> => {
    const { send, close } = await openRedis(url, () => {})
    return send(words).finally(close)
  }
  const answers = () =>
    command('PING').then(
      () => true,
      (error) => String(error).includes('NOAUTH'),
    )
  const own = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', '']
  const redis = engine(() => spawn(program, [...own, ...args], { stdio: 'ignore' }), answers)
  await redis.start()
  return Object.assign(redis, {
    url,
    command,
    async end() {
      await redis.kill()
      await rm(folder, { recursive: true })
    },
  })
}
