// How the FCS reader and the service around it compare, on this machine:
//   bun bench/fcs.ts [megabytes = 500] [rounds = 5]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { block, channelNames, largeFcs } from '../tests/kit/large-fcs.ts'
import { jobs } from './fcs-jobs.ts'
import { fcsService } from './fcs-service.ts'
import { compare, type Measured } from './turns.ts'

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

async function runJob(name: string, file: string): Promise<void> {
  const started = performance.now()
  const own = await jobs[name]?.(file)
  const ms = own ?? performance.now() - started
  // maxRSS is in kilobytes on Linux, as getrusage(2) has it.
  console.log(JSON.stringify({ ms, rssMegabytes: process.resourceUsage().maxRSS / 1024 }))
}

/** Runs a job of the reader, or of Python's readers, in a process of its own. */
async function inProcess(name: string, file: string): Promise<Measured | null> {
  const code = PYTHON[name]
  const command = code
    ? ['python3', '-c', python(code), file]
    : [process.execPath, import.meta.path, 'job', name, file]
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'ignore' })
  const output = await new Response(child.stdout).text()
  return (await child.exited) === 0 ? JSON.parse(output) : null
}

async function run(megabytes: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pat-auth-bench-'))
  const file = join(folder, 'bench.fcs')
  const out = Bun.file(file).writer()
  for (const bytes of largeFcs(Math.ceil((megabytes * 1e6) / block.byteLength))) {
    out.write(bytes)
    await out.flush()
  }
  await out.end()
  const size = `${megabytes} MB of float32, ${channelNames.length} channels`
  console.log(`The reader alone: ${size}; medians of ${rounds}\n`)
  await compare(READER, rounds, (job) => inProcess(job, file))

  const service = await fcsService(file)
  console.log('The service over HTTP: the same file, and the sample of 34,297 events\n')
  await compare(SERVICE, rounds, async (job) => (await service.jobs[job]?.()) ?? null)
  await service.close()
  await rm(folder, { recursive: true })
}

const READER: [string, string][] = [
  ['our reader', 'read'],
  ['our reader', 'read and hash'],
  ['our reader', 'write and hash'],
  ['our reader', 'npm fcs'],
  ['our reader', 'FlowIO'],
  ['our reader', 'fcsparser'],
  ['page of 100 at the end', 'page of 100 at the start'],
  ['page of 100 anywhere', 'page of 100 at the start'],
  ['sample as Arrow', 'sample as NDJSON'],
  ['sample as CSV', 'sample as NDJSON'],
  ['sample as NDJSON', 'JSON.stringify of it'],
]

const SERVICE: [string, string][] = [
  ['upload', 'hash and write'],
  ['page of 100 at the end', 'page of 100 at the start'],
  ['page of 100 anywhere', 'page of 100 at the start'],
  ['statistics', 'parameters'],
  ['statistics, known', 'parameters'],
  ['histogram', 'download'],
  ['density', 'download'],
  ['percentiles', 'download'],
  ['file as Arrow', 'download'],
  ['file as CSV', 'download'],
  ['file as NDJSON', 'download'],
  ['sample as Arrow', 'sample as NDJSON'],
  ['sample as CSV', 'sample as NDJSON'],
]

const [first = '500', second = '5', third] = process.argv.slice(2)
if (first === 'job') await runJob(second, third ?? '')
else await run(Number(first), Number(second))
