import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import FCS from 'fcs'
import { readAll, scanFile } from '../kit/fcs-read.ts'
import { writeFcs } from '../kit/fcs-writer.ts'

// The npm package is right about uniform values in the two plain byte orders, and about TEXT of
// ASCII without doubled delimiters; it applies no $PnR, so the ranges here need no mask.
describe('an independent reader agrees', () => {
  const kinds: ['F' | 'D' | 'I', number, fc.Arbitrary<number>][] = [
    ['F', 32, fc.float()],
    ['D', 64, fc.double()],
    ['I', 16, fc.integer({ min: 0, max: 2 ** 16 - 1 })],
    ['I', 32, fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ]
  for (const [datatype, bits, value] of kinds) {
    for (const byteOrder of ['little', 'big'] as const) {
      test(`on ${byteOrder}-endian ${datatype} of ${bits} bits`, async () => {
        const events = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 30 })
        await fc.assert(
          fc.asyncProperty(events, async (rows) => {
            const columns = [rows.map(([first]) => first), rows.map(([, second]) => second)]
            const parameters = [
              { name: 'FSC-A', bits },
              { name: 'FL1-A', label: 'CD4 PE', bits },
            ]
            const file = writeFcs({ datatype, byteOrder, parameters, columns })
            const { description } = await scanFile(file)
            const other = new FCS({ dataFormat: 'asNumber', eventsToRead: -1 }, Buffer.from(file))
            expect(await readAll(file, description)).toEqual(other.dataAsNumbers)
            expect(description.keywords).toEqual(Object.entries(other.text))
          }),
          { numRuns: 50 },
        )
      })
    }
  }
})
