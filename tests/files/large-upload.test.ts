import { afterEach, beforeEach, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { block, channelNames, largeFcs } from '../kit/large-fcs.ts'
import { until } from '../kit/service.ts'
import { naive, RAW, UPLOAD } from './kit.ts'
import { fileServer } from './server.ts'

let server: Awaited<ReturnType<typeof fileServer>>
let bearer: string
// A server each: the peak of its memory is that of all it has done.
beforeEach(async () => {
  server = await fileServer()
  bearer = (await server.newToken()).token
}, 30_000)
afterEach(() => server.close())

const BLOCKS = 587
const encoder = new TextEncoder()

const peakMegabytes = async () => {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}

function* inForm(file: Iterable<Uint8Array<ArrayBuffer>>) {
  yield encoder.encode(
    '--XX\r\nContent-Disposition: form-data; name="file"; filename="a.fcs"\r\n\r\n',
  )
  yield* file
  yield encoder.encode('\r\n--XX--\r\n')
}

const asStream = (pieces: Iterator<Uint8Array>) =>
  new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = pieces.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })

const FORMS = [
  [
    'in a form',
    UPLOAD,
    { 'content-type': 'multipart/form-data; boundary=XX' },
    inForm(largeFcs(BLOCKS)),
  ],
  ['raw', `${UPLOAD}?filename=a.fcs`, RAW, largeFcs(BLOCKS)],
] as const

test.skipIf(process.platform !== 'linux').each(FORMS)(
  '500 MB %s are uploaded with less than 200 MB of memory, described rightly and streamed back whole with less than 300',
  async (_, path, headers, pieces) => {
    const answer = await server.call('POST', path, { bearer, headers, body: asStream(pieces) })
    expect(answer.status).toBe(201)
    expect(await peakMegabytes()).toBeLessThan(200)
    const { file_id, total_events } = answer.body.data
    expect(total_events * 26 * 4).toBeGreaterThan(500e6)

    const read = await server.call('GET', `/api/v1/fcs/statistics?file_id=${file_id}`, { bearer })
    for (const [i, name] of channelNames.entries()) {
      const column = Array.from(block).filter((_, at) => at % 26 === i)
      const { mean, std, ...exact } = naive(column)
      const row = read.body.data.statistics[i]
      expect(row).toMatchObject({ parameter: name, count: total_events, ...exact })
      expect(row.mean / mean).toBeCloseTo(1, 12)
      expect(row.std / std).toBeCloseTo(1, 12)
    }

    const whole = `${server.url}/api/v1/fcs/events?format=arrow&file_id=${file_id}`
    const streamed = await fetch(whole, { headers: { authorization: `Bearer ${bearer}` } })
    let received = 0
    for await (const piece of streamed.body ?? []) received += piece.length
    expect(received).toBeGreaterThan(total_events * 26 * 4)
    expect(await peakMegabytes()).toBeLessThan(300)
    await server.call('DELETE', `/api/v1/fcs/files/${file_id}`, { bearer })
    await until(async () => (await server.files()).length === 0)
  },
  60_000,
)
