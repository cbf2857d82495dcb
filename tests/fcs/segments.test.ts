import { describe, expect, test } from 'bun:test'
import { headerField, integers, small, smallEvents } from '../kit/fcs-examples.ts'
import { readAll, scanFile } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

async function described(file: Uint8Array) {
  const { description } = await scanFile(file)
  return { ...description, codes: description.warnings.map(({ code }) => code) }
}

describe('supplemental TEXT', () => {
  test('adds keywords behind those of TEXT, which count first', async () => {
    const file = writeFcs({ ...small, supplement: '|$OP|somebody|$P1N|other|my key|a||b|' })
    const { keywords, parameters, codes } = await described(file)
    expect(keywords.slice(-2)).toEqual([
      ['$OP', 'somebody'],
      ['MY KEY', 'a|b'],
    ])
    expect(parameters[0]?.pnn).toBe('FSC-A')
    expect(codes).toEqual([])
  })

  test('may say more of a parameter, and how its values are stored', async () => {
    const spec: FcsSpec = {
      ...integers(32, 2 ** 32, [
        [1, 2],
        [0x3f800000, 0x40000000],
      ]),
      version: 'FCS3.2',
      supplement: '|$P1S|CD4 PE|$P2DATATYPE|F|',
    }
    const file = writeFcs(spec)
    const { description, statistics } = await scanFile(file, [100, 500])
    expect(description.parameters.map(({ pns }) => pns)).toEqual(['CD4 PE', 'FL2-H'])
    expect(await readAll(file, description)).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(statistics[1]).toMatchObject({ min: 1, max: 2, median: 1.5 })
  })

  const leftOut: [string, Partial<FcsSpec>][] = [
    ['is a ZIP', { supplement: 'PK\x03\x04|a|b|' }],
    ['repeats TEXT', { keywords: { $BEGINSTEXT: '58', $ENDSTEXT: '100' } }],
    ['is not inside of the file', { keywords: { $BEGINSTEXT: '9000', $ENDSTEXT: '9100' } }],
    ['is too long', { supplement: `|a|${'x'.repeat(4 * 1024 * 1024)}|` }],
  ]
  for (const [what, change] of leftOut) {
    test(`that ${what} is left out with a warning`, async () => {
      const file = writeFcs({ ...small, ...change })
      const { codes, keywords } = await described(file)
      expect(codes).toEqual(['supplemental_text'])
      expect(keywords.length).toBe((await described(writeFcs(small))).keywords.length)
    })
  }
})

describe('ANALYSIS', () => {
  const analysis = '|GATE1 count|1234|$CSDATE|26-OCT-1994|'
  const pairs = [
    ['GATE1 COUNT', '1234'],
    ['$CSDATE', '26-OCT-1994'],
  ]

  test('is read where TEXT says', async () => {
    const file = writeFcs({ ...small, supplement: '|a|b|', analysis })
    const found = await described(file)
    expect(found.analysis).toEqual(pairs as [string, string][])
    expect(found.codes).toEqual([])
    expect(await readAll(file, found)).toEqual(smallEvents)
  })

  test('is read where HEADER says, which comes first', async () => {
    const begin = writeFcs(small).length
    const file = (omit: string[]) =>
      writeFcs({
        ...{ ...small, analysis, omit },
        header: (header) => {
          const at = begin - (omit.length > 0 ? lost : 0)
          return headerField(4, at)(headerField(5, at + analysis.length - 1)(header))
        },
      })
    const lost = begin - writeFcs({ ...small, omit: ['$BEGINANALYSIS', '$ENDANALYSIS'] }).length
    const found = await described(file(['$BEGINANALYSIS', '$ENDANALYSIS']))
    expect(found.analysis).toEqual(pairs as [string, string][])
  })

  test('that holds no keywords, or lies outside of the file, is left out with a warning', async () => {
    const codes = async (change: Partial<FcsSpec>) =>
      (await described(writeFcs({ ...small, ...change }))).codes
    expect(await codes({ analysis: '<gates/>' })).toEqual(['analysis'])
    expect(await codes({ header: (h) => headerField(4, 5000)(headerField(5, 5100)(h)) })).toEqual([
      'analysis',
    ])
    expect(await codes({ analysis: '|a|b|c|' })).toEqual(['analysis'])
    expect(await codes({ header: headerField(5, -1) })).toEqual(['analysis'])
    expect(await codes({ header: headerField(4, 'x') })).toEqual(['analysis'])
    expect(await codes({ header: headerField(5, '') })).toEqual([])
  })
})

describe('CRC', () => {
  const file = writeFcs(small)
  const withField = (field: string) => new Uint8Array([...file, ...new TextEncoder().encode(field)])
  const codes = async (field: string) => (await described(withField(field))).codes

  /** CRC-16, bit by bit. */
  function crc16(initial: number, reflect: boolean): number {
    let crc = initial
    for (const byte of file) {
      for (let bit = 0; bit < 8; bit++) {
        const next = (byte >> (reflect ? bit : 7 - bit)) & 1
        const top = reflect ? crc & 1 : crc >> 15
        crc = reflect ? crc >> 1 : (crc << 1) & 0xffff
        if (top !== next) crc ^= reflect ? 0x8408 : 0x1021
      }
    }
    return crc
  }
  const kermit = crc16(0, true)
  const cytExpert = crc16(0x1d0f, false)

  test('of the standard is checked, in decimal or hexadecimal', async () => {
    expect(await codes(String(kermit).padStart(8, '0'))).toEqual([])
    expect(await codes(kermit.toString(16).padStart(8, ' '))).toEqual([])
    expect(await codes(String(kermit ^ 1).padStart(8, '0'))).toEqual(['crc'])
  })

  test('of CytExpert is known for right, and for a departure', async () => {
    const { warnings } = await described(withField(String(cytExpert).padStart(8, '0')))
    expect(warnings.map(({ code }) => code)).toEqual(['crc'])
    expect(warnings[0]?.message).toContain('The CRC is right')
  })

  test('that is not there is none', async () => {
    for (const field of ['00000000', '        ', '', '1234', 'no crc..', '\0\0\0\0\0\0\0\0']) {
      expect(await codes(field)).toEqual([])
    }
  })
})
