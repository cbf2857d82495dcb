import { describe, expect, test } from 'bun:test'
import { scanFile } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

describe('statistics', () => {
  async function of(values: number[], datatype: 'F' | 'D' = 'F') {
    const spec: FcsSpec = { datatype, parameters: [{ name: 'A' }], columns: [values] }
    return (await scanFile(writeFcs(spec))).statistics[0]
  }

  test('are the population’s, with the mean of the two middle values for a median', async () => {
    expect(await of([4, 1, 3, 2])).toEqual({
      ...{ parameter: 'A', pns: 'A', display: 'LOG', count: 4, non_finite: 0, masked: 0 },
      ...{ min: 1, max: 4, mean: 2.5, median: 2.5, std: Math.sqrt(1.25) },
    })
  })

  test('leave out NaN and infinities, and count them', async () => {
    expect(await of([Number.NaN, 1, Infinity, 3, -Infinity])).toMatchObject({
      ...{ min: 1, max: 3, mean: 2, median: 2, std: 1, count: 2, non_finite: 3 },
    })
  })

  test('leave infinities out of every pass for the median of very many channels', async () => {
    const values = [-Infinity, -3e38, -2e38, -1.8e38]
    const columns = Array.from({ length: 2049 }, () => values)
    const parameters = columns.map((_, i) => ({ name: `C${i}` }))
    const { statistics } = await scanFile(writeFcs({ parameters, columns }))
    expect(statistics[2048]?.median).toBe(Math.fround(-2e38))
  })

  test('are null without a finite value', async () => {
    expect(await of([Number.NaN, Infinity])).toMatchObject({
      ...{ min: null, max: null, mean: null, median: null, std: null, count: 0, non_finite: 2 },
    })
  })

  test('hold their precision far from zero', async () => {
    const values = Array.from({ length: 10_000 }, (_, i) => 1e9 + (i % 2))
    expect(await of(values, 'D')).toMatchObject({ mean: 1e9 + 0.5, median: 1e9 + 0.5, std: 0.5 })
  })

  test('have no mean where its sums overflow, but keep what is still known', async () => {
    const most = Number.MAX_VALUE
    expect(await of([-most, most, most, most], 'D')).toMatchObject({
      ...{ min: -most, max: most, median: most, mean: null, std: null, count: 4 },
    })
  })

  test('have no -0, which JSON would lose', async () => {
    const { min, median } = (await of([-0, -0])) ?? {}
    expect(Object.is(min, 0) && Object.is(median, 0)).toBe(true)
  })
})
