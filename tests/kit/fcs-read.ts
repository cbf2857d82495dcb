import {
  type ByteSource,
  type ChannelStatistics,
  createScan,
  type DataSetDescription,
  type FcsDescription,
  FcsError,
  readEvents,
} from '../../src/fcs/index.ts'

export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (offset, length) => {
      if (offset < 0 || offset + length > bytes.length) throw new RangeError('read past the end')
      return bytes.slice(offset, offset + length)
    },
  }
}

/** Scans a file that arrives in chunks of the given lengths, each overwritten after its push. */
export async function scanFile(
  bytes: Uint8Array,
  chunkLengths: Iterable<number> = [],
): Promise<{ description: FcsDescription; statistics: ChannelStatistics[] }> {
  const scan = createScan()
  const push = (from: number, to: number) => {
    const chunk = bytes.slice(from, to)
    scan.push(chunk)
    chunk.fill(0xa5)
  }
  let at = 0
  for (const length of chunkLengths) {
    push(at, at + length)
    at += length
  }
  push(at, bytes.length)
  return scan.finish(bytesSource(bytes))
}

/** Every value of a data set, by event, as numbers. */
export async function readAll(
  bytes: Uint8Array,
  description: Pick<DataSetDescription, 'data' | 'total_events' | 'parameters'>,
): Promise<number[][]> {
  return (await readExactly(bytes, description)).map((event) => event.map(Number))
}

export async function readExactly(
  bytes: Uint8Array,
  description: Pick<DataSetDescription, 'data' | 'total_events' | 'parameters'>,
): Promise<(number | bigint)[][]> {
  const columns = await readEvents(bytesSource(bytes), description, {
    offset: 0,
    limit: description.total_events,
    columns: description.parameters.map((_, i) => i),
  })
  return Array.from({ length: description.total_events }, (_, event) =>
    columns.map((column) => column[event] ?? Number.NaN),
  )
}

/** The code with which a file is refused. */
export async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await scanFile(bytes)
  } catch (error) {
    if (error instanceof FcsError) return error.code
    throw error
  }
  throw new Error('the file was read')
}

/** What a file that is read departs from the standard in. */
export async function warnings(bytes: Uint8Array): Promise<string[]> {
  return (await scanFile(bytes)).description.warnings.map(({ code }) => code)
}
