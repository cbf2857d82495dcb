import { type DataSet, finishDataSet, openDataSet, requireBytes } from './data-set.ts'
import type { FurtherDataSet } from './description.ts'
import { FcsError, type FcsWarning } from './errors.ts'
import { HEADER_BYTES, LARGEST_TEXT, readHeader } from './header.ts'
import { type Keywords, MOST_PARAMETERS, optionalNumber } from './keywords.ts'
import type { ByteSource } from './source.ts'

/** More wells than a plate has; each is described in one answer. */
const MOST_DATA_SETS = 1000

type Link = { base: number; end: number; keywords: Iterable<[string, string]> }

/**
 * The data sets that `$NEXTDATA` leads to from the first one, each behind the bytes of the one
 * before. The chain ends with a warning where no readable data set begins; one that is cut off is
 * a refusal, as a cut file is.
 */
export async function readChain(
  source: ByteSource,
  first: Link,
): Promise<{ dataSets: FurtherDataSet[]; warnings: FcsWarning[] }> {
  const dataSets: FurtherDataSet[] = []
  const end = (message: string) => ({
    dataSets,
    warnings: [{ code: 'next_data' as const, message }],
  })
  let link = first
  let textLeft = LARGEST_TEXT
  let parametersLeft = 5 * MOST_PARAMETERS
  for (;;) {
    const step = nextData(new Map(link.keywords))
    if (step === 0) return { dataSets, warnings: [] }
    const base = link.base + step
    if (!Number.isSafeInteger(base) || base <= link.base + link.end || base >= source.size) {
      return end('$NEXTDATA points to a place that holds no data set; it is ignored.')
    }
    if (dataSets.length + 1 >= MOST_DATA_SETS || textLeft < 0 || parametersLeft < 0) {
      return end(`Only the first ${dataSets.length + 1} data sets of the file are read.`)
    }
    try {
      const { description, statistics, end: ofSet, keywords } = await readDataSet(source, base)
      dataSets.push({ ...description, offset: base, statistics })
      textLeft -= lengthOf(description.keywords) + lengthOf(description.analysis)
      parametersLeft -= description.parameters.length
      link = { base, end: ofSet, keywords }
    } catch (error) {
      if (!(error instanceof FcsError) || error.code === 'truncated') throw error
      return end(`No readable data set begins at byte ${base}: ${error.message}`)
    }
  }
}

async function readDataSet(source: ByteSource, base: number) {
  const length = Math.min(HEADER_BYTES, source.size - base)
  const head = new Uint8Array(HEADER_BYTES)
  head.set(await source.read(base, length))
  const isFcs = String.fromCharCode(...head.subarray(0, 3)) === 'FCS'
  if (isFcs) requireBytes('HEADER', { begin: base, end: base + HEADER_BYTES - 1 }, source.size)
  const header = readHeader(head)
  const { begin, end } = header.text
  requireBytes('TEXT', { begin: base + begin, end: base + end }, source.size)
  const text = new Uint8Array(await source.read(base + begin, end - begin + 1))
  const opened = openDataSet(header, text, base)
  const finished = await finishDataSet(ownPart(source, opened), opened, false)
  return { ...finished, keywords: opened.text.keywords }
}

/**
 * The file up to the data set that follows. What a data set has beside its events ends there: else
 * a thousand of them could share one segment, and each would be read, kept and checked by its CRC.
 */
function ownPart(source: ByteSource, { base, header, text, data }: DataSet): ByteSource {
  const next = base + nextData(text.keywords)
  const end = Math.max(base + header.text.end, data?.end ?? 0)
  return next > end && next < source.size ? { ...source, size: next } : source
}

function lengthOf(keywords: [string, string][]): number {
  return keywords.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
}

function nextData(keywords: Keywords): number {
  return optionalNumber(keywords, '$NEXTDATA') ?? 0
}
