import { family } from '../tests/kit/family.ts'

/** Time on a processor of a process and its children, those that have ended included, in milliseconds. */
export async function familyCpuMs(pid: number): Promise<number> {
  const processes = await family(pid)
  return processes.reduce((sum, { ownMs, reapedMs }) => sum + ownMs + reapedMs, 0)
}
