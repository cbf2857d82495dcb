// The program in a process of its own, as a stranger starts it.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const project = join(import.meta.dir, '../..')
export const BUN = [process.execPath, join(project, 'src/main.ts')]

type Line = { level: string; event: string; [field: string]: unknown }
export type Service = Awaited<ReturnType<typeof service>>
export type Outcome = { code: number | null; stdout: string; stderr: string }

/** In a folder of its own, so that no .env file of ours is read, and without our own settings. */
function launch(folder: string, env: Record<string, string>, command: string[]): ChildProcess {
  const [program = '', ...args] = command
  return spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** A start that is expected not to listen: how it ends, by itself or by what `during` does. */
export async function outcome(
  folder: string,
  env: Record<string, string>,
  during: (signal: (name: NodeJS.Signals) => void) => Promise<void> = async () => {},
): Promise<Outcome> {
  const child = launch(folder, env, BUN)
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (data) => {
    stdout += data
  })
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  await during((name) => void child.kill(name))
  return { code: await closed, stdout, stderr }
}

/** A start that is expected to listen. Throws with what it wrote when it does not. */
export async function service(folder: string, env: Record<string, string>, command = BUN) {
  const child = launch(folder, env, command)
  const lines: Line[] = []
  const waiting = new Map<string, (line: Line) => void>()
  let stderr = ''
  child.stderr?.on('data', (data) => {
    stderr += data
  })
  if (!child.stdout) throw new Error('no stdout')
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line: Line = JSON.parse(text)
    lines.push(line)
    waiting.get(line.event)?.(line)
  })
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const logged = (event: string) => {
    const known = lines.find((line) => line.event === event)
    const comes = new Promise<Line>((resolve) => waiting.set(event, resolve))
    const ends = closed.then((code) => {
      throw new Error(`ended with ${code} before "${event}": ${stderr}`)
    })
    ends.catch(() => {})
    return known ?? Promise.race([comes, ends])
  }
  const { url } = await logged('listening')
  return {
    url: String(url),
    pid: child.pid,
    lines,
    /** The log line of this event, once it is written. */
    logged,
    /** The exit code, once it has ended. */
    closed,
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    /** Ends it; the exit code. */
    end: () => {
      child.kill('SIGTERM')
      return closed
    },
  }
}

/** Folders for `service` and `outcome`, and their removal. */
export function folders() {
  const made: string[] = []
  return {
    async create(): Promise<string> {
      const folder = await mkdtemp(join(tmpdir(), 'pat-start-'))
      made.push(folder)
      // Where tests run as root, the embedded server's own account has to reach it.
      await chmod(folder, 0o755)
      return folder
    },
    remove: () => Promise.all(made.map((folder) => rm(folder, { recursive: true }))),
  }
}

/** A connection written and read by hand. `closed` resolves to all that came. */
export async function rawConnection(url: string): Promise<{
  socket: Socket
  first: Promise<string>
  closed: Promise<string>
}> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let text = ''
  socket.on('data', (data) => {
    text += data
  })
  const first = new Promise<string>((resolve) => socket.once('data', (data) => resolve(`${data}`)))
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)))
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.on('error', () => {})
  return { socket, first, closed }
}

/** Resolves when the condition holds; asks again every few milliseconds. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await Bun.sleep(5)
}
