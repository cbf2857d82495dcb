// Load from a process of its own, by wrk (https://github.com/wg/wrk), and what the serving process took for it.
import { readFile } from 'node:fs/promises'
import { familyCpuMs } from './cpu.ts'

export type Target = { url: string; pid: number; headers?: Record<string, string> }
export type Load = {
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
  /** Of one core. */
  cpuPercent: number
  rssMegabytes: number
}

/** One thread with this many connections, each with one request under way at a time. */
export async function load(target: Target, connections: number, seconds: number): Promise<Load> {
  const { url, pid, headers = {} } = target
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency']
  const started = performance.now()
  const before = await familyCpuMs(pid)
  const child = Bun.spawn(['wrk', ...options, ...lines, url], { stdout: 'pipe', stderr: 'pipe' })
  const output = await new Response(child.stdout).text()
  const after = await familyCpuMs(pid)
  const elapsedMs = performance.now() - started
  if ((await child.exited) !== 0) throw new Error(`wrk: ${output}`)
  const [, errors] = /Socket errors: (.*)/.exec(output) ?? []
  if (errors) throw new Error(`wrk on ${url}: ${errors}`)
  return {
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
    p50Ms: latencyMs(output, '50%'),
    p99Ms: latencyMs(output, '99%'),
    cpuPercent: ((after - before) / elapsedMs) * 100,
    rssMegabytes: await rssMegabytes(pid),
  }
}

/** wrk prints `99%  1.23ms`, in us, ms or s. */
function latencyMs(output: string, percentile: string): number {
  const [, value, unit] = new RegExp(`${percentile}\\s+([\\d.]+)(us|ms|s)`).exec(output) ?? []
  return Number(value) * (unit === 'us' ? 1 / 1000 : unit === 's' ? 1000 : 1)
}

export async function rssMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}

export const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
