import { describe, expect, test } from 'bun:test'
import { small } from '../kit/fcs-examples.ts'
import { scanFile, warnings } from '../kit/fcs-read.ts'
import { type FcsParameterSpec, writeFcs } from '../kit/fcs-writer.ts'

async function described(parameters: FcsParameterSpec[], omit: string[] = []) {
  const columns = parameters.map(() => [1])
  return (await scanFile(writeFcs({ parameters, columns, omit }))).description
}

describe('names of parameters', () => {
  const cases: [string[], string[]][] = [
    [
      ['A', 'A', 'A', 'B'],
      ['A', 'A#2', 'A#3', 'B'],
    ],
    [
      ['A', 'A', 'A#2', 'A#3'],
      ['A', 'A#4', 'A#2', 'A#3'],
    ],
    [
      ['A#2', 'A', 'A', 'A#2'],
      ['A#2', 'A', 'A#3', 'A#2#2'],
    ],
    [
      ['', 'A', ' '],
      ['P1', 'A', 'P3'],
    ],
    [
      ['', 'P1', 'P1'],
      ['P1#2', 'P1', 'P1#3'],
    ],
    [
      ['__proto__', 'constructor', '__proto__'],
      ['__proto__', 'constructor', '__proto__#2'],
    ],
    [[' FSC-A '], ['FSC-A']],
  ]
  for (const [written, keys] of cases) {
    test(`${JSON.stringify(written)} become ${JSON.stringify(keys)}`, async () => {
      const { parameters } = await described(written.map((name) => ({ name })))
      expect(parameters.map(({ pnn }) => pnn)).toEqual(keys)
    })
  }

  test('missing or given twice are warned of', async () => {
    const { warnings } = await described([{ name: 'A' }, { name: 'A' }, { name: 'B' }], ['$P3N'])
    expect(warnings.map(({ code }) => code)).toEqual(['pnn_missing', 'duplicate_pnn'])
  })

  test('of 10,000 parameters all alike are told apart at once', async () => {
    const { parameters } = await described(Array.from({ length: 10_000 }, () => ({ name: 'A' })))
    expect(new Set(parameters.map(({ pnn }) => pnn)).size).toBe(10_000)
  })
})

describe('what is said of a parameter', () => {
  test('comes from its keywords, from 1 on', async () => {
    const keywords = { E: '4,1', G: '2.5', R: '1e5' }
    const { parameters } = await described([{ name: 'FL1-H', label: 'CD4 PE', keywords }])
    expect(parameters).toEqual([
      {
        index: 1,
        pnn: 'FL1-H',
        pns: 'CD4 PE',
        range: 100000,
        display: 'LOG',
        datatype: 'F',
        bits: 32,
        amplification: '4,1',
        gain: 2.5,
      },
    ])
  })

  test('has its name for a label, and nulls, where the file is silent', async () => {
    const parameters = [{ name: 'FL1-H', label: ' ' }, { name: 'FL1-H' }]
    const silent = ['$P1E', '$P1R', '$P2R']
    const { parameters: read } = await described(parameters, silent)
    expect(read.map(({ pns }) => pns)).toEqual(['FL1-H', 'FL1-H#2'])
    expect(read[0]).toMatchObject({ range: 0, amplification: null, gain: null })
  })

  const displays: [string, Record<string, string>, 'LIN' | 'LOG'][] = [
    ['FL1-A', {}, 'LOG'],
    ['FSC-A', {}, 'LIN'],
    ['SSC-H', {}, 'LIN'],
    ['FSC-Width', {}, 'LIN'],
    ['FL1-W', {}, 'LIN'],
    ['Time', {}, 'LIN'],
    ['TIME', {}, 'LIN'],
    ['FL1-A', { D: 'Linear,0,1000' }, 'LIN'],
    ['FSC-A', { D: 'Logarithmic,4,0.1' }, 'LOG'],
    ['FSC-A', { E: '4,1' }, 'LOG'],
    ['FSC-A', { E: '4,0' }, 'LOG'],
    ['FSC-A', { E: '4,1', D: 'Linear,0,1000' }, 'LIN'],
  ]
  for (const [name, keywords, display] of displays) {
    test(`${name} with ${JSON.stringify(keywords)} is drawn ${display}`, async () => {
      expect((await described([{ name, keywords }])).parameters[0]?.display).toBe(display)
    })
  }

  test('the second of a name is drawn as the first', async () => {
    const { parameters } = await described([{ name: 'FL1-W' }, { name: 'FL1-W' }])
    expect(parameters.map(({ display }) => display)).toEqual(['LIN', 'LIN'])
  })

  test('PnDISPLAY outweighs everything else about how it is drawn', async () => {
    const parameters = [
      { name: 'Time', keywords: { D: 'Linear,0,1', E: '0,0' } },
      { name: 'FL1-A' },
    ]
    const columns = [[1], [1]]
    const keywords = { P1DISPLAY: 'LOG', P2DISPLAY: 'lin' }
    const { description } = await scanFile(writeFcs({ parameters, columns, keywords }))
    expect(description.parameters.map(({ display }) => display)).toEqual(['LOG', 'LIN'])
  })
})

describe('what TEXT has wrong for the use of values', () => {
  const of = (keywords: Record<string, string>) => warnings(writeFcs({ ...small, keywords }))

  test('is a logarithmic scale that begins at 0', async () => {
    expect(await of({ $P2E: '4,0' })).toEqual(['amplification'])
    expect(await of({ $P2E: '4,1', $P1E: '0,0' })).toEqual([])
  })

  test('is a spillover matrix of other parameters, or of another size', async () => {
    expect(await of({ $SPILLOVER: '2,FSC-A,FL1-A,1,0,0,1' })).toEqual([])
    expect(await of({ $SPILLOVER: '2,FSC-A,FL9-A,1,0,0,1' })).toEqual(['spillover'])
    expect(await of({ SPILL: '2,FSC-A,FL1-A,1,0,0' })).toEqual(['spillover'])
    expect(await of({ $SPILLOVER: '1e9,FSC-A' })).toEqual(['spillover'])
  })
})
