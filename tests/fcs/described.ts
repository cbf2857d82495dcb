import { createScan, type FcsDescription } from '../../src/fcs/index.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

/** What the reader says of a file written to this specification. */
export async function described(spec: FcsSpec): Promise<FcsDescription> {
  const bytes = writeFcs(spec)
  const scan = createScan()
  scan.push(bytes)
  const source = {
    size: bytes.length,
    read: async (offset: number, length: number) => bytes.slice(offset, offset + length),
  }
  return (await scan.finish(source)).description
}
