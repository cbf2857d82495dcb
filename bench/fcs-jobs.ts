import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import FCS from 'fcs'
import { type ByteSource, createScan, readEvents } from '../src/fcs/index.ts'
import { stringifyRows, writeForm } from './fcs-forms.ts'
import { median } from './turns.ts'

const CHUNK_BYTES = 1024 * 1024

/** What one measured process does with the file; it may return the milliseconds that count. */
export const jobs: Record<string, (file: string) => Promise<number | undefined>> = {
  async read(file) {
    for await (const _ of chunks(file));
  },
  async 'read and hash'(file) {
    const hash = createHash('sha256')
    for await (const chunk of chunks(file)) hash.update(chunk)
    hash.digest()
  },
  async 'write and hash'(file) {
    const hash = createHash('sha256')
    const copy = `${file}.copy`
    {
      await using out = await open(copy, 'w')
      for await (const chunk of chunks(file)) {
        hash.update(chunk)
        await out.write(chunk)
      }
      hash.digest()
    }
    await rm(copy)
  },
  async 'our reader'(file) {
    const scan = createScan()
    for await (const chunk of chunks(file)) scan.push(chunk)
    await using source = await fileSource(file)
    await scan.finish(source)
  },
  async 'npm fcs'(file) {
    const bytes = Buffer.from(await Bun.file(file).arrayBuffer())
    new FCS({ dataFormat: 'asNumber', eventsToRead: -1 }, bytes)
  },
  'page of 100 at the start': (file) => pages(file, () => 0),
  'page of 100 at the end': (file) => pages(file, (total) => total - 100),
  'page of 100 anywhere': (file) =>
    pages(file, (total) => Math.floor(Math.random() * (total - 100))),
  'sample as Arrow': () => writeForm('arrow'),
  'sample as CSV': () => writeForm('csv'),
  'sample as NDJSON': () => writeForm('ndjson'),
  'JSON.stringify of it': stringifyRows,
}

/** The median time of a page, of 200. */
async function pages(file: string, offset: (total: number) => number): Promise<number> {
  const scan = createScan()
  for await (const chunk of chunks(file)) scan.push(chunk)
  await using source = await fileSource(file)
  const { description } = await scan.finish(source)
  const columns = description.parameters.map((_, at) => at)
  const times: number[] = []
  for (let turn = 0; turn < 200; turn++) {
    const started = performance.now()
    await readEvents(source, description, {
      offset: offset(description.total_events),
      limit: 100,
      columns,
    })
    times.push(performance.now() - started)
  }
  return median(times)
}

/** Each chunk is in the memory of the one before: what a job does not keep is not counted against it. */
async function* chunks(file: string): AsyncGenerator<Uint8Array> {
  await using handle = await open(file)
  const chunk = new Uint8Array(CHUNK_BYTES)
  for (;;) {
    const { bytesRead } = await handle.read(chunk)
    if (bytesRead === 0) return
    yield chunk.subarray(0, bytesRead)
  }
}

/** Two buffers in turns: the reader may ask for the next bytes while it uses the last ones. */
async function fileSource(file: string): Promise<ByteSource & AsyncDisposable> {
  const handle = await open(file)
  const { size } = await handle.stat()
  let [buffer, other] = [new Uint8Array(), new Uint8Array()]
  return {
    size,
    async read(offset, length) {
      ;[buffer, other] = [other, buffer]
      if (buffer.length < length) buffer = new Uint8Array(length)
      const into = buffer.subarray(0, length)
      await handle.read(into, 0, length, offset)
      return into
    },
    [Symbol.asyncDispose]: () => handle.close(),
  }
}
