// How the FCS reader compares, on this machine: bun bench/fcs.ts [megabytes = 500] [rounds = 5]
// Each measurement is a process of its own; pairs run in turns, and their ratio is taken pair by pair.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { block, channelNames, largeFcs } from '../tests/kit/large-fcs.ts'
import { jobs } from './fcs-jobs.ts'

type Measured = { ms: number; rssMegabytes: number }

function row(cells: string[]): string {
  return cells.map((cell, at) => cell.padEnd(at < 2 ? 26 : 12)).join('')
}

const PYTHON: Record<string, string> = {
  FlowIO: 'import flowio; flowio.FlowData(f)',
  fcsparser: 'import fcsparser; fcsparser.parse(f)',
}

const python = (code: string) => `
import sys, time, json, resource
f = sys.argv[1]
t = time.perf_counter()
${code}
ms = (time.perf_counter() - t) * 1000
print(json.dumps({"ms": ms, "rssMegabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))`

const [first = '500', second = '5', third] = process.argv.slice(2)
if (first === 'job') await runJob(second, third ?? '')
else await compare(Number(first), Number(second))

async function runJob(name: string, file: string): Promise<void> {
  const started = performance.now()
  const own = await jobs[name]?.(file)
  const ms = own ?? performance.now() - started
  // maxRSS is in kilobytes on Linux, as getrusage(2) has it.
  console.log(JSON.stringify({ ms, rssMegabytes: process.resourceUsage().maxRSS / 1024 }))
}

async function measure(name: string, file: string): Promise<Measured | null> {
  const code = PYTHON[name]
  const command = code
    ? ['python3', '-c', python(code), file]
    : [process.execPath, import.meta.path, 'job', name, file]
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'ignore' })
  const output = await new Response(child.stdout).text()
  return (await child.exited) === 0 ? JSON.parse(output) : null
}

async function compare(megabytes: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pat-auth-bench-'))
  const file = join(folder, 'bench.fcs')
  const out = Bun.file(file).writer()
  for (const bytes of largeFcs(Math.ceil((megabytes * 1e6) / block.byteLength))) {
    out.write(bytes)
    await out.flush()
  }
  await out.end()
  console.log(
    `${megabytes} MB of float32, ${channelNames.length} channels, ${rounds} rounds; medians\n`,
  )
  const pairs: [string, string][] = [
    ['our reader', 'read'],
    ['our reader', 'read and hash'],
    ['our reader', 'write and hash'],
    ['our reader', 'npm fcs'],
    ['our reader', 'FlowIO'],
    ['our reader', 'fcsparser'],
    ['page of 100 at the end', 'page of 100 at the start'],
    ['page of 100 anywhere', 'page of 100 at the start'],
  ]
  console.log(row(['job', 'against', 'ms', 'ms', 'time ratio', 'peak MB', 'peak MB']))
  for (const [ours, theirs] of pairs) {
    const runs: [Measured, Measured][] = []
    for (let round = 0; round < rounds; round++) {
      const pair = [await measure(ours, file), await measure(theirs, file)] as const
      if (pair[0] && pair[1]) runs.push([pair[0], pair[1]])
    }
    console.log(
      runs.length > 0 ? row([ours, theirs, ...figures(runs)]) : row([ours, theirs, 'not here']),
    )
  }
  await rm(folder, { recursive: true })
}

function figures(runs: [Measured, Measured][]): string[] {
  const median = (values: number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  const [a, b] = [runs.map(([ours]) => ours), runs.map(([, theirs]) => theirs)]
  return [
    median(a.map(({ ms }) => ms)).toPrecision(3),
    median(b.map(({ ms }) => ms)).toPrecision(3),
    median(runs.map(([ours, theirs]) => ours.ms / theirs.ms)).toFixed(2),
    median(a.map(({ rssMegabytes }) => rssMegabytes)).toFixed(0),
    median(b.map(({ rssMegabytes }) => rssMegabytes)).toFixed(0),
  ]
}
