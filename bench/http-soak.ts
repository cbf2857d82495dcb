// Whether memory and handles stay flat under full load: bun bench/http-soak.ts [minutes=10]
// Each minute mixes a token's call with its durable row, a refused token and a page of events, at 64 connections.
import { readdir } from 'node:fs/promises'
import { linesOf } from './http-lines.ts'
import { load } from './http-load.ts'
import { startBench } from './http-service.ts'

const minutes = Number(process.argv[2] ?? 10)
const MIX = ['pat', 'refused: checksum', 'events']

const bench = await startBench()
try {
  const lines = (await linesOf(bench)).filter(({ name }) => MIX.includes(name))
  const { pid } = bench.durable
  for (let minute = 1; minute <= minutes; minute++) {
    let requests = 0
    let rss = 0
    for (const line of lines) {
      const seconds = 60 / lines.length
      const { requestsPerSecond, rssMegabytes } = await load(line, 64, seconds)
      requests += requestsPerSecond * seconds
      rss = Math.max(rss, rssMegabytes)
    }
    const handles = (await readdir(`/proc/${pid}/fd`)).length
    console.log(
      `minute ${minute}: ${requests.toFixed(0)} requests, ${rss.toFixed(0)} MB, ${handles} handles`,
    )
  }
} finally {
  await bench.close()
}
