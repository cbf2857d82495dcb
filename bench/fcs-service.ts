import { readFile, writeFile } from 'node:fs/promises'
import { client, fcsToken, logIn } from '../tests/kit/client.ts'
import { folders, service } from '../tests/kit/service.ts'

import { type Measured, median } from './turns.ts'

const FCS = '/api/v1/fcs'
const RAW = { 'content-type': 'application/octet-stream' }

/** Of those that take about a millisecond; their median is told. */
const REQUESTS = 200

/**
 * The program on its embedded database, holding the file, beside a server that does no more with an upload than hash it
 * and write it to disk. `jobs` are requests as a client times them, to the end of their answers.
 */
export async function fcsService(file: string) {
  const made = folders()
  const folder = await made.create()
  const ours = await service(folder, {
    DATA_DIR: folder,
    RATE_LIMIT_PER_MINUTE: '0',
    TOKEN_RATE_LIMIT_PER_MINUTE: '0',
  })
  const bare = await service(folder, {}, [process.execPath, `${import.meta.dir}/hash-and-write.ts`])
  const call = client(ours.url)
  const { token } = await fcsToken(call, await logIn(call, 'cytometrist'))
  const authorization = `Bearer ${token}`

  const upload = async ({
    url,
    pid,
  }: typeof ours): Promise<{ measured: Measured; answer: string }> => {
    await resetPeak(pid)
    const started = performance.now()
    const response = await fetch(`${url}${FCS}/upload?filename=bench.fcs`, {
      method: 'POST',
      headers: { ...RAW, authorization },
      body: Bun.file(file),
    })
    const answer = await response.text()
    if (response.status !== 201) throw new Error(`not uploaded: ${answer}`)
    return { measured: { ms: performance.now() - started, rssMegabytes: await peak(pid) }, answer }
  }
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(ours.url + FCS + path, { headers: { ...headers, authorization } })
    if (response.status >= 400) throw new Error(`${path}: ${await response.text()}`)
    for await (const _ of response.body ?? []);
    return response
  }
  const timed = async (
    requests: number,
    request: (turn: number) => Promise<unknown>,
  ): Promise<Measured> => {
    await resetPeak(ours.pid)
    const times: number[] = []
    for (let turn = 0; turn < requests; turn++) {
      const started = performance.now()
      await request(turn)
      times.push(performance.now() - started)
    }
    return { ms: median(times), rssMegabytes: await peak(ours.pid) }
  }

  const { answer } = await upload(ours)
  const { file_id, total_events } = JSON.parse(answer).data
  const own = `file_id=${file_id}`
  const etag = (await get(`/statistics?${own}`)).headers.get('etag') ?? ''
  const many = (path: (turn: number) => string, headers?: Record<string, string>) => () =>
    timed(REQUESTS, (turn) => get(path(turn), headers))
  const page = (offset: () => number) =>
    many(() => `/events?${own}&limit=100&offset=${Math.floor(offset())}`)
  const whole = (query: string, requests: number) => () =>
    timed(requests, () => get(`/events?${query}`))
  const jobs: Record<string, () => Promise<Measured>> = {
    async upload() {
      const { measured, answer } = await upload(ours)
      await call('DELETE', `${FCS}/files/${JSON.parse(answer).data.file_id}`, { bearer: token })
      return measured
    },
    'hash and write': async () => (await upload(bare)).measured,
    'page of 100 at the start': page(() => 0),
    'page of 100 at the end': page(() => total_events - 100),
    'page of 100 anywhere': page(() => Math.random() * (total_events - 100)),
    parameters: many(() => `/parameters?${own}`),
    statistics: many(() => `/statistics?${own}`),
    'statistics, known': many(() => `/statistics?${own}`, { 'if-none-match': etag }),
    'file as Arrow': whole(`${own}&format=arrow`, 1),
    'file as CSV': whole(`${own}&format=csv`, 1),
    'file as NDJSON': whole(`${own}&format=ndjson`, 1),
    download: () => timed(1, () => get(`/files/${file_id}/download`)),
    histogram: () => timed(1, () => get(`/histogram?${own}&parameter=C1&transform=logicle`)),
    density: () => timed(1, () => get(`/density?${own}&x=C1&y=C2&transform=logicle`)),
    percentiles: () => timed(1, () => get(`/statistics?${own}&q=0.05,0.95`)),
    'sample as Arrow': whole('format=arrow', 20),
    'sample as CSV': whole('format=csv', 20),
    'sample as NDJSON': whole('format=ndjson', 20),
  }
  return {
    jobs,
    async close() {
      await Promise.all([ours.end(), bare.end()])
      await made.remove()
    },
  }
}

/** Linux alone keeps the peak of another process, and lets it begin anew (proc(5)). */
async function peak(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024
}

async function resetPeak(pid: number | undefined): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => {})
}
