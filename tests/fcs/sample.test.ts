import { beforeAll, describe, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { sampleFile } from '../../scripts/sample/file.ts'
import { createScan, type FcsDescription, readEvents } from '../../src/fcs/index.ts'

const dyes = [
  'TCRgd FITC',
  'CD4 PE',
  'CD2 ECD',
  'CD56 PC5.5',
  'CD5 PC7',
  'CD34 APC',
  'CD7 APC-A700',
  'CD8 APC-A750',
  'CD3 PB450',
  'CD45 KO525',
]
const areas = dyes.map((_, i) => `FL${i + 1}-A`)

const bytes = new Uint8Array(await readFile(new URL('../../data/sample.fcs', import.meta.url)))
const source = {
  size: bytes.length,
  read: async (offset: number, length: number) => bytes.slice(offset, offset + length),
}
let description: FcsDescription
let channels: Map<string, number[]>

beforeAll(async () => {
  const scan = createScan()
  scan.push(bytes)
  description = (await scan.finish(source)).description
  const columns = await readEvents(source, description, {
    offset: 0,
    limit: description.total_events,
    columns: description.parameters.map((_, i) => i),
  })
  channels = new Map(
    description.parameters.map(({ pnn }, i) => [pnn, Array.from(columns[i] ?? [], Number)]),
  )
})

function channel(name: string): number[] {
  const values = channels.get(name)
  if (!values) throw new Error(`no channel ${name}`)
  return values
}

/** How many events `holds` is true for. */
function events(holds: (event: number) => boolean): number {
  return channel('Time').filter((_, event) => holds(event)).length
}

describe('the built-in sample', () => {
  test('is what the generator makes, byte for byte', () => {
    expect(Buffer.compare(sampleFile(), bytes)).toBe(0)
  })

  test('holds 34,297 events of the documented panel and departs from the standard nowhere', () => {
    const wide = 16_777_215
    const scatter = ['FSC-H', 'FSC-A', 'SSC-H', 'SSC-A'].map((name) => [name, name, wide, 'LIN'])
    const fluorescence = dyes.flatMap((dye, i) =>
      ['H', 'A'].map((pulse) => [`FL${i + 1}-${pulse}`, `${dye}-${pulse}`, wide, 'LOG']),
    )
    expect(description.version).toBe('FCS3.1')
    expect(description.warnings).toEqual([])
    expect(description.total_events).toBe(34_297)
    expect(
      description.parameters.map(({ pnn, pns, range, display }) => [pnn, pns, range, display]),
    ).toEqual([
      ...scatter,
      ...fluorescence,
      ['FSC-Width', 'FSC-Width', 10_000, 'LIN'],
      ['Time', 'Time', 900_000_000, 'LIN'],
    ])
  })

  test('keeps every value finite and below the range of its channel', () => {
    for (const { pnn, range } of description.parameters) {
      const outside = channel(pnn).filter((value) => !(Math.abs(value) < range))
      expect({ pnn, outside }).toEqual({ pnn, outside: [] })
    }
  })

  test('runs forward in time, for as long as $BTIM and $ETIM say', () => {
    const time = channel('Time')
    expect(time.findIndex((value, event) => value < (time[event - 1] ?? 0))).toBe(-1)
    const keywords = new Map(description.keywords)
    const seconds = (clock: string | undefined) =>
      (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
    const run = seconds(keywords.get('$ETIM')) - seconds(keywords.get('$BTIM'))
    const last = Number(time.at(-1)) * Number(keywords.get('$TIMESTEP'))
    expect(run).toBeGreaterThan(0)
    expect(last).toBeLessThan(run)
    expect(last).toBeGreaterThan(run - 1)
  })

  test('has negative fluorescence areas, while heights stay positive', () => {
    for (const name of areas) expect(channel(name).some((value) => value < 0)).toBe(true)
    for (const name of areas.map((area) => area.replace('-A', '-H'))) {
      expect(channel(name).every((value) => value > 0)).toBe(true)
    }
  })

  test('has a $SPILLOVER of the ten area channels, 1 on the diagonal and at most 0.3 off it', () => {
    const [count, ...rest] = (new Map(description.keywords).get('$SPILLOVER') ?? '').split(',')
    const coefficients = rest.slice(10).map(Number)
    expect(count).toBe('10')
    expect(rest.slice(0, 10)).toEqual(areas)
    expect(coefficients).toHaveLength(100)
    coefficients.forEach((value, i) => {
      if (i % 11 === 0) expect(value).toBe(1)
      else expect(value >= 0 && value <= 0.3).toBe(true)
    })
    expect(coefficients.some((value) => value > 0.2 && value < 1)).toBe(true)
  })

  test('has CD4 and CD8 T cells apart, NK and B cells without CD3, and CD34 progenitors', () => {
    const [cd4, cd56, cd34, cd8, cd3, cd45] = [2, 4, 6, 8, 9, 10].map((n) => channel(`FL${n}-A`))
    const bright = (values: number[] | undefined, limit: number) => (event: number) =>
      (values?.[event] ?? 0) > limit
    const isT = bright(cd3, 60_000)
    const isCd4 = bright(cd4, 120_000)
    const isCd8 = bright(cd8, 100_000)
    const isNk = bright(cd56, 20_000)
    const isLeukocyte = bright(cd45, 80_000)
    expect(events((e) => isT(e) && isCd4(e) && !isCd8(e))).toBeGreaterThan(4_000)
    expect(events((e) => isT(e) && isCd8(e) && !isCd4(e))).toBeGreaterThan(2_000)
    expect(events((e) => isT(e) && isCd8(e) && isCd4(e))).toBeLessThan(300)
    expect(events((e) => !isT(e) && isNk(e) && isLeukocyte(e))).toBeGreaterThan(1_000)
    expect(events((e) => !isT(e) && !isNk(e) && isLeukocyte(e))).toBeGreaterThan(1_000)
    expect(events(bright(cd34, 40_000))).toBeGreaterThan(50)
  })

  test('has doublets: too much area for their height, in a wide pulse', () => {
    const [area, height, width] = ['FSC-A', 'FSC-H', 'FSC-Width'].map(channel)
    const ratio = (event: number) => (area?.[event] ?? 0) / (height?.[event] ?? 1)
    const doublets = events((e) => ratio(e) > 1.4)
    expect(doublets).toBeGreaterThan(500)
    expect(doublets).toBeLessThan(3_000)
    expect(events((e) => ratio(e) > 1.4 && (width?.[e] ?? 0) < 1_300)).toBe(0)
  })
})
