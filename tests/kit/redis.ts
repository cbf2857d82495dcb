// A Redis or Valkey of the test's own, on a Unix socket, that keeps nothing when it ends.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRedis } from '../../src/redis.ts'
import { certificates } from './certificates.ts'
import { engine } from './engine.ts'
import { freePort } from './nginx.ts'

const isInstalled = (name: string) => Bun.which(name) !== null
const unless = (isThere: boolean, name: string) =>
  isThere ? '' : ` (skipped: ${name} is not installed)`

const NAMES = ['redis-server', 'valkey-server']
/** For what has to hold with each, and the names of its tests. */
export const REDIS_KINDS = NAMES.map((kind) => ({
  kind,
  isThere: isInstalled(kind),
  unlessThere: unless(isInstalled(kind), kind),
}))

const ANY = NAMES.find(isInstalled)
export const hasRedis = ANY !== undefined
/** For names of what is skipped without any. */
export const unlessRedis = unless(hasRedis, 'redis-server')

export type TestRedis = Awaited<ReturnType<typeof testRedis>>

/** `args` are more of the server's own. */
export async function testRedis(args: string[] = [], kind = ANY) {
  if (!kind) throw new Error('redis-server is not installed')
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
  const redis = engine(() => spawn(kind, [...own, ...args], { stdio: 'ignore' }), answers)
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

/**
 * One that is reached by TLS as well, at the name `localhost`. Its certificate is in the folder, and that of the authority
 * which it is of: the file `authority`.
 */
export async function tlsRedis(folder: string, kind?: string) {
  const { authority, certificate, key } = certificates(folder, 'localhost')
  const port = String(await freePort())
  const args = [
    ...['--bind', '127.0.0.1', '--tls-port', port, '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', certificate, '--tls-key-file', key],
    ...['--user', 'pat', 'on', '>a-long-password', '~*', '+@all'],
  ]
  const redis = await testRedis(args, kind)
  return Object.assign(redis, { authority, url: `rediss://pat:a-long-password@localhost:${port}` })
}
