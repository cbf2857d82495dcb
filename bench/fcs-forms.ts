import { readEvents } from '../src/fcs/index.ts'
import { eventRows } from '../src/files/event-rows.ts'
import { eventBlocks } from '../src/files/forms/blocks.ts'
import { FORMS } from '../src/files/forms/negotiate.ts'
import { loadSample } from '../src/files/sample.ts'
import { median } from './turns.ts'

const RUNS = 30

/** The milliseconds to read the whole sample and write it in a form, as the median of many runs. */
export async function writeForm(name: keyof typeof FORMS): Promise<number> {
  const { names, readPage, description } = await sampleReader()
  const form = FORMS[name]
  return timed(async () => {
    const page = { offset: 0, limit: Number.POSITIVE_INFINITY, blockValues: form.blockValues }
    for await (const _ of form.write(names, eventBlocks(readPage, description, page)));
  })
}

/** The same for JSON.stringify and UTF-8, which are given the sample as objects that were made before. */
export async function stringifyRows(): Promise<number> {
  const { names, readPage, description } = await sampleReader()
  const rows = eventRows(names, await readPage({ offset: 0, limit: description.total_events }))
  return timed(async () => {
    new TextEncoder().encode(JSON.stringify(rows))
  })
}

async function sampleReader() {
  const { source, description } = await loadSample()
  const columns = description.parameters.map((_, at) => at)
  const readPage = (page: { offset: number; limit: number }) =>
    readEvents(source, description, { ...page, columns })
  return { names: description.parameters.map(({ pnn }) => pnn), readPage, description }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now()
    await work()
    times.push(performance.now() - started)
  }
  return median(times)
}
