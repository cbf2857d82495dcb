import type { ChildProcess, SpawnOptions } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import type { Account } from './place.ts'

/**
 * The environment is a fresh one, so that our secrets stay ours. A session of its own keeps
 * Ctrl-C, which the terminal sends to a whole group, from stopping the database before us.
 */
export const childOptions = (cwd: string, account: Account | undefined): SpawnOptions => ({
  cwd,
  detached: true,
  env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' },
  stdio: ['ignore', 'ignore', 'pipe'],
  ...account,
})

/** The child's last 20 lines on stderr, and how it ended: `code 0`, `signal SIGKILL`, … */
export function output(child: ChildProcess, onLine: (line: string) => void = () => undefined) {
  const lines: string[] = []
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line)
      if (lines.length > 20) lines.shift()
      onLine(line)
    })
  }
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(signal ? `signal ${signal}` : `code ${code}`))
  })
  return { lines, ended }
}
