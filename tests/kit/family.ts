// A process and the processes that it has started, by proc(5).
import { readdir, readFile } from 'node:fs/promises'

export type Process = { pid: number; parent: number; ownMs: number; reapedMs: number }

/** Times on a processor, with the kernel's for it: of itself, and of children that have ended. 100 ticks a second. */
export async function readProcess(pid: number): Promise<Process> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold spaces: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ms = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) * 10
  return { pid, parent: Number(fields[1]), ownMs: ms(11), reapedMs: ms(13) }
}

/** The process first, then its children that live. */
export async function family(pid: number): Promise<Process[]> {
  const found = [await readProcess(pid)]
  for (const name of await readdir('/proc')) {
    const process = /^\d+$/.test(name) ? await readProcess(Number(name)).catch(() => null) : null
    if (process?.parent === pid) found.push(process)
  }
  return found
}
