// A program beside the service, as a process of its own: what a test or a soak kills, suspends and starts again while
// the service goes on.
import type { ChildProcess } from 'node:child_process'
import { until } from './service.ts'

export type Engine = ReturnType<typeof engine>

const alone = async (pid: number): Promise<number[]> => [pid]

/** Starts nothing yet. `family` are the processes that it consists of. */
export function engine(
  launch: () => ChildProcess,
  isUp: () => Promise<boolean>,
  family: (pid: number) => Promise<number[]> = alone,
) {
  let child: ChildProcess | null = null
  let closed: Promise<unknown> = Promise.resolve()
  const runs = () => child !== null && child.exitCode === null && child.signalCode === null
  const pid = () => child?.pid ?? Number.NaN
  const tell = async (signal: NodeJS.Signals) => {
    if (!runs()) return
    // A child may have ended since it was listed.
    for (const each of await family(pid()))
      try {
        process.kill(each, signal)
      } catch {}
  }
  return {
    get pid(): number {
      return pid()
    },
    /** Resolves when it answers. What a predecessor that was killed leaves for a moment is waited for. */
    async start() {
      while (!runs()) {
        const started = launch()
        child = started
        closed = new Promise((resolve) => started.once('close', resolve))
        const answers = until(async () => started.exitCode !== null || (await isUp()))
        await Promise.race([closed, answers])
      }
    },
    /** Ends it outright. */
    async kill() {
      await tell('SIGKILL')
      await closed
    },
    /** Stops it where it is, so that it answers nothing and closes nothing. */
    suspend: () => tell('SIGSTOP'),
    resume: () => tell('SIGCONT'),
  }
}
