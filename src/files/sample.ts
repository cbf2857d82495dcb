import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type ByteSource, createScan } from '../fcs/index.ts'

const FILE = new URL('../../data/sample.fcs', import.meta.url)

export type Sample = Awaited<ReturnType<typeof loadSample>>

/** The built-in file that everybody may read, held in memory. */
export async function loadSample() {
  const bytes = new Uint8Array(await readFile(FILE))
  const source: ByteSource = {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  }
  const scan = createScan()
  scan.push(bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { filename: 'sample.fcs', sha256, source, ...(await scan.finish(source)) }
}
