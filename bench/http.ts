// What a request costs, on this machine: bun bench/http.ts [--full] [--lines=pat,refused] [--connections=1,64] [--rounds=3] [--seconds=1]
// Each line is measured in turns with a bare Elysia route, and the ratio is taken pair by pair. Needs Linux and wrk.
import { parseArgs } from 'node:util'
import { type Line, linesOf } from './http-lines.ts'
import { type Load, load, median } from './http-load.ts'
import { startBench } from './http-service.ts'

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    lines: { type: 'string', default: '' },
    connections: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string', default: '1' },
  },
})
const wanted = values.lines.split(',')
const connectionCounts = (values.connections ?? (values.full ? '1,16,64,256' : '1,64')).split(',')
const rounds = Number(values.rounds ?? (values.full ? 5 : 3))
const seconds = Number(values.seconds)

if (!Bun.which('wrk')) throw new Error('wrk is not on the PATH: install it, for example by apt')
const bench = await startBench()
try {
  const lines = (await linesOf(bench)).filter(({ name }) =>
    wanted.some((start) => name.startsWith(start)),
  )
  for (const line of lines) await requireStatus(line)
  console.log(`${rounds} rounds of ${seconds} s, medians\n`)
  console.log(row(['', 'connections', 'requests/s', 'of bare', 'p50 ms', 'p99 ms', 'CPU', 'RSS']))
  for (const connections of connectionCounts.map(Number)) await compare(lines, connections)
  const events = lines.find(({ name }) => name === 'events')
  if (events)
    console.log(`\nJSON.stringify of the rows of events: ${await stringifyRate(events)}/s`)
} finally {
  await bench.close()
}

async function compare(lines: Line[], connections: number): Promise<void> {
  const bare: Load[] = []
  const measured = lines.map((line) => ({ line, pairs: [] as [Load, Load][] }))
  // Once unmeasured, so that every path is compiled.
  for (const target of [bench.bare, ...lines]) await load(target, connections, seconds)
  for (let round = 0; round < rounds; round++) {
    for (const { line, pairs } of measured) {
      const alone = await load(bench.bare, connections, seconds)
      pairs.push([alone, await load(line, connections, seconds)])
      bare.push(alone)
    }
  }
  const print = (name: string, loads: Load[], ratio: string) => {
    const of = (figure: keyof Load) => median(loads.map((each) => each[figure]))
    console.log(
      row([
        name,
        String(connections),
        of('requestsPerSecond').toFixed(0),
        ratio,
        of('p50Ms').toFixed(2),
        of('p99Ms').toFixed(2),
        `${of('cpuPercent').toFixed(0)} %`,
        `${of('rssMegabytes').toFixed(0)} MB`,
      ]),
    )
  }
  print('bare Elysia', bare, '')
  for (const { line, pairs } of measured) {
    const ratio = median(pairs.map(([a, b]) => b.requestsPerSecond / a.requestsPerSecond))
    print(
      line.name,
      pairs.map(([, ours]) => ours),
      ratio.toFixed(2),
    )
  }
}

/** A load of refusals would look fast. */
async function requireStatus({ name, url, headers = {}, status }: Line): Promise<void> {
  const response = await fetch(url, { headers })
  if (response.status !== status) throw new Error(`${name}: ${response.status}, not ${status}`)
}

/** How often one core can print the answer that the line has, from the objects it has them as. */
async function stringifyRate({ url, headers = {} }: Line): Promise<string> {
  const answer = await (await fetch(url, { headers })).json()
  const rates: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const started = performance.now()
    let count = 0
    while (performance.now() - started < 1000 * seconds) {
      JSON.stringify(answer)
      count++
    }
    rates.push((count / (performance.now() - started)) * 1000)
  }
  return median(rates.slice(1)).toFixed(0)
}

function row(cells: string[]): string {
  return cells
    .map((cell, at) => (at === 0 ? cell.padEnd(24) : cell.padStart(12)))
    .join('')
    .trimEnd()
}
