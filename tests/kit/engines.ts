// PostgreSQL, Redis and an S3 server as processes of their own, each on one port for good: what a test or a soak
// kills, suspends and starts again while the service goes on.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'
import { urlOf } from '../../src/embedded/holder.ts'
import { clusterOf, initOnce, passwordOf } from '../../src/embedded/init.ts'
import { choosePlace } from '../../src/embedded/place.ts'
import { childOptions } from '../../src/embedded/process.ts'
import { family } from './family.ts'
import { freePort } from './nginx.ts'
import { until } from './service.ts'

export const REDIS = Bun.which('redis-server')

const s3rver = join(import.meta.dir, '../../node_modules/s3rver/bin/s3rver.js')

/** `env` is what the service is told of it. */
export type Engine = ReturnType<typeof engine>

function engine(
  env: Record<string, string>,
  launch: () => ChildProcess,
  isUp: () => Promise<boolean>,
) {
  let child: ChildProcess | null = null
  let closed: Promise<unknown> = Promise.resolve()
  const pid = () => child?.pid ?? Number.NaN
  const tell = async (signal: NodeJS.Signals) => {
    // A child may have ended since it was listed.
    for (const each of await family(pid()))
      try {
        process.kill(each.pid, signal)
      } catch {}
  }
  return {
    env,
    get pid(): number {
      return pid()
    },
    /** Resolves when it answers. What a predecessor that was killed leaves for a moment is waited for. */
    async start() {
      while (!child || child.exitCode !== null || child.signalCode !== null) {
        const started = launch()
        child = started
        closed = new Promise((resolve) => started.once('close', resolve))
        await Promise.race([closed, until(isUp)])
      }
    },
    /** Ends it outright, with its children. */
    async kill() {
      await tell('SIGKILL')
      await closed
    },
    /** Stops it where it is, with its children, so that it answers nothing and closes nothing. */
    suspend: () => tell('SIGSTOP'),
    resume: () => tell('SIGCONT'),
  }
}

/** Durable, as the embedded one is: the same program with the same defaults. */
export async function postgresEngine(folder: string): Promise<Engine> {
  await mkdir(folder, { recursive: true })
  // Where tests run as root, the server's own account has to reach it.
  await chmod(folder, 0o755)
  const place = await choosePlace(folder)
  await initOnce(place)
  const port = await freePort()
  const url = urlOf(port, (await readFile(passwordOf(place.folder), 'utf8')).trim())
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'timezone=UTC']
  const args = [
    '-D',
    clusterOf(place.folder),
    '-p',
    `${port}`,
    ...settings.flatMap((it) => ['-c', it]),
  ]
  const options = { ...childOptions(place.folder, place.account), stdio: 'ignore' as const }
  const answers = async () => {
    const sql = postgres(url, { max: 1, connect_timeout: 1, onnotice: () => {} })
    return await sql`select`
      .then(
        () => true,
        () => false,
      )
      .finally(() => sql.end({ timeout: 0 }))
  }
  return engine(
    { DATABASE_URL: url },
    () => spawn(join(place.bin, 'postgres'), args, options),
    answers,
  )
}

export async function redisEngine(): Promise<Engine> {
  const port = await freePort()
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const launch = () => spawn(REDIS ?? 'redis-server', args, { stdio: 'ignore' })
  return engine({ REDIS_URL: `redis://127.0.0.1:${port}` }, launch, () => accepts(port))
}

/** s3rver: its keys are its own, and it makes the bucket. */
export async function s3Engine(folder: string): Promise<Engine> {
  const port = await freePort()
  const env = {
    S3_ENDPOINT: `http://127.0.0.1:${port}`,
    S3_REGION: 'us-east-1',
    S3_BUCKET: 'fcs-files',
    S3_ACCESS_KEY_ID: 'S3RVER',
    S3_SECRET_ACCESS_KEY: 'S3RVER',
    S3_FORCE_PATH_STYLE: 'true',
  }
  const args = [
    '-s',
    '-d',
    folder,
    '-a',
    '127.0.0.1',
    '-p',
    `${port}`,
    '--configure-bucket',
    env.S3_BUCKET,
  ]
  const launch = () => spawn(process.execPath, [s3rver, ...args], { stdio: 'ignore' })
  return engine(env, launch, () => accepts(port))
}

/** Whether something listens on this port of the machine. */
const accepts = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
