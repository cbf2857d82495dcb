// Three instances against one, on this machine: bun bench/scale.ts [--rounds=5] [--seconds=3] [--connections=63]
// A token's call with its durable audit row, directly (the load takes turns) and behind the balancer. Rounds go through
// all lines in turn, and each ratio is taken within its round. Needs Linux, nginx and wrk.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { client, logIn } from '../tests/kit/client.ts'
import { startCluster } from '../tests/kit/cluster.ts'
import { balancerConfig, startNginx } from '../tests/kit/nginx.ts'
import { postgresEngine } from '../tests/kit/postgres-engine.ts'
import { familyCpuMs } from './cpu.ts'
import { median } from './http-load.ts'

const INSTANCES = 3
const PATH = '/api/v1/fcs/parameters'
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '63' },
  },
})

type Measured = {
  perSecond: number
  service: number
  postgres: number
  nginx: number
  cost: number
  /** Rows of the log a transaction: how many requests share what a commit costs. */
  batch: number
}

const folder = await mkdtemp(join(tmpdir(), 'pat-scale-bench-'))
await chmod(folder, 0o755)
const database = await postgresEngine(join(folder, 'postgres'))
await database.start()
const sql = postgres(database.url, { max: 1 })
const cluster = await startCluster({
  folder,
  databaseUrl: database.url,
  instances: INSTANCES,
})
const urls = cluster.instances.map(({ url }) => url)
const [first = ''] = urls
const aside = await mkdtemp(join(folder, 'alone-'))
const alone = await startNginx(aside, (port) => balancerConfig(aside, port, [first]))
try {
  const headers = await heads()
  // Each line is loaded by as many programs, so that the load costs the same.
  const lines = [
    { name: 'one', urls: urls.map(() => first) },
    { name: 'three', urls },
    { name: 'one, behind nginx', urls: urls.map(() => alone.url) },
    { name: 'three, behind nginx', urls: urls.map(() => cluster.url) },
  ]
  const rounds: Measured[][] = []
  for (let round = 0; round <= Number(values.rounds); round++) {
    const measured: Measured[] = []
    for (const line of lines) measured.push(await measure(line.urls, headers))
    // The first is for warming up.
    if (round > 0) rounds.push(measured)
  }
  console.log(
    `medians of ${rounds.length} rounds of ${values.seconds} s, ${values.connections} connections; ` +
      'processor time in µs a request\n',
  )
  console.log(
    row([
      '',
      'requests/s',
      'of one',
      'service',
      'postgres',
      'nginx',
      'all',
      'of one',
      'rows/commit',
    ]),
  )
  for (const [at, { name }] of lines.entries()) {
    const of = (figure: keyof Measured) =>
      median(rounds.map((round) => round[at]?.[figure] ?? Number.NaN))
    // Behind nginx is compared with one behind nginx.
    const ratio = (figure: keyof Measured) =>
      median(
        rounds.map((round) => (round[at]?.[figure] ?? 0) / (round[at - (at % 2)]?.[figure] ?? 0)),
      ).toFixed(2)
    const times = (['service', 'postgres', 'nginx', 'cost'] as const).map((it) => of(it).toFixed(0))
    console.log(
      row([
        name,
        of('perSecond').toFixed(0),
        ratio('perSecond'),
        ...times,
        ratio('cost'),
        of('batch').toFixed(0),
      ]),
    )
  }
} finally {
  await alone.stop()
  await cluster.close()
  await sql.end()
  await database.kill()
  await rm(folder, { recursive: true })
}

/** A token's call that is answered 304: all that such a call needs, and no work of its own. */
async function heads(): Promise<string[]> {
  const call = client(first)
  const jwt = await logIn(call, 'bench')
  const json = { name: 'bench', scopes: ['fcs:read'] }
  const { token } = (await call('POST', '/api/v1/tokens', { bearer: jwt, json })).body.data
  const etag = (await call('GET', PATH, { bearer: token })).headers.get('etag') ?? ''
  const known = { bearer: token, headers: { 'if-none-match': etag } }
  for (const url of [...urls, alone.url, cluster.url]) {
    const { status } = await client(url)('GET', PATH, known)
    if (status !== 304) throw new Error(`${url} answered ${status}`)
  }
  return ['-H', `Authorization: Bearer ${token}`, '-H', `If-None-Match: ${etag}`]
}

async function measure(targets: string[], headers: string[]): Promise<Measured> {
  const times = async () => ({
    service: await sum(cluster.instances.map(({ pid }) => familyCpuMs(pid))),
    postgres: await familyCpuMs(database.pid),
    nginx: await sum([familyCpuMs(alone.pid), familyCpuMs(cluster.nginx.pid)]),
  })
  const committed = await commits()
  const before = await times()
  const results = await Promise.all(targets.map((url) => wrk(url, headers)))
  const after = await times()
  const requests = results.reduce((all, it) => all + it.requests, 0)
  const cost = (of: keyof typeof before) => ((after[of] - before[of]) * 1000) / requests
  const [service, postgres, nginx] = [cost('service'), cost('postgres'), cost('nginx')]
  const batch = requests / ((await commits()) - committed)
  const perSecond = results.reduce((all, it) => all + it.perSecond, 0)
  return { perSecond, service, postgres, nginx, cost: service + postgres + nginx, batch }
}

async function commits(): Promise<number> {
  // What a backend counts it tells a second later.
  await Bun.sleep(1100)
  const [row] = await sql<{ count: number }[]>`
    select xact_commit::int as count from pg_stat_database where datname = current_database()`
  return row?.count ?? Number.NaN
}

async function sum(values: Promise<number>[]): Promise<number> {
  return (await Promise.all(values)).reduce((all, one) => all + one, 0)
}

async function wrk(url: string, headers: string[]) {
  const connections = Math.ceil(Number(values.connections) / INSTANCES)
  const args = ['-t1', `-c${connections}`, `-d${values.seconds}s`, ...headers, url + PATH]
  const child = Bun.spawn(['wrk', ...args], { stdout: 'pipe', stderr: 'inherit' })
  const output = await new Response(child.stdout).text()
  // A 304 is no error to it.
  if ((await child.exited) !== 0 || /Socket errors|Non-2xx/.test(output)) throw new Error(output)
  return {
    requests: Number(/(\d+) requests in/.exec(output)?.[1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
  }
}

function row(cells: string[]): string {
  return cells
    .map((cell, at) => (at === 0 ? cell.padEnd(22) : cell.padStart(12)))
    .join('')
    .trimEnd()
}
