import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type ChannelStatistics, type DataSetDescription, FcsError } from '../../src/fcs/index.ts'
import { readAll, scanFile } from '../kit/fcs-read.ts'

type Channel = {
  pnn: string
  bits: number
  n: number
  nonfinite: number
  min: number
  max: number
  mean: number
  median: number
  std: number
}
type DataSet = {
  offset: number
  version: string
  events: number
  keywords: number
  masked_values: Record<string, number>
  channels: Channel[]
  events_sha256_f64le: string
}
type RealFile = { file: string; expected?: { datasets: DataSet[] } }
type SyntheticFile = {
  file: string
  lenient: string
  values: number[][] | null
  second_values?: number[][]
  expect_text?: Record<string, string>
  stext?: Record<string, string>
  analysis?: Record<string, string>
}

const folder = path.join(import.meta.dir, '../../../shared/fcs')
const isThere = existsSync(folder)
if (!isThere) console.log('No FCS corpus beside the repository: its tests are left out.')

function manifest<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(folder, name, 'manifest.json'), 'utf8'))
}

function bytesOf(name: string, file: string): Uint8Array {
  return new Uint8Array(readFileSync(path.join(folder, name, file)))
}

function sha256(values: number[][]): string {
  const flat = Float64Array.from(values.flat())
  return new Bun.CryptoHasher('sha256').update(new Uint8Array(flat.buffer)).digest('hex')
}

function expectClose(actual: number | null, expected: number): void {
  expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(
    1e-12 * Math.abs(expected),
  )
}

async function expectRight(
  bytes: Uint8Array,
  description: DataSetDescription,
  statistics: ChannelStatistics[],
  expected: DataSet,
): Promise<void> {
  expect(description.version).toBe(expected.version)
  expect(description.total_events).toBe(expected.events)
  expect(description.parameters.map(({ pnn }) => pnn)).toEqual(
    expected.channels.map(({ pnn }) => pnn),
  )
  expect(description.keywords.length).toBe(expected.keywords)
  expect(sha256(await readAll(bytes, description))).toBe(expected.events_sha256_f64le)
  for (const [i, channel] of expected.channels.entries()) {
    const { min, max, median, mean, std, count, non_finite, masked } = statistics[i] ?? {}
    expect([min, max, median, count, non_finite, masked]).toEqual([
      ...[channel.min, channel.max, channel.median],
      ...[channel.n, channel.nonfinite],
      expected.masked_values[channel.pnn] ?? 0,
    ])
    expectClose(mean ?? null, channel.mean)
    expectClose(std ?? null, channel.std)
  }
}

if (isThere) {
  for (const { file, expected } of manifest<{ files: RealFile[] }>('real').files) {
    if (!expected) {
      test(`${file} is refused with a reason`, async () => {
        await expect(scanFile(bytesOf('real', file))).rejects.toBeInstanceOf(FcsError)
      })
      continue
    }
    test(`${file} is read as independent readers read it`, async () => {
      const bytes = bytesOf('real', file)
      const { description, statistics } = await scanFile(bytes, [1000, 3, 70_001])
      const found = [{ ...description, offset: 0, statistics }, ...description.data_sets]
      expect(found.map(({ offset }) => offset)).toEqual(
        expected.datasets.map(({ offset }) => offset),
      )
      for (const [i, dataSet] of expected.datasets.entries()) {
        const one = found[i]
        if (one) await expectRight(bytes, one, one.statistics, dataSet)
      }
    })
  }

  for (const expected of manifest<SyntheticFile[]>('synthetic')) {
    const { file } = expected
    if (expected.lenient !== 'ok') {
      test(`${file} is refused with a reason`, async () => {
        await expect(scanFile(bytesOf('synthetic', file))).rejects.toBeInstanceOf(FcsError)
      })
      continue
    }
    test(`${file} is read`, async () => {
      const bytes = bytesOf('synthetic', file)
      const { description } = await scanFile(bytes)
      expect(await readAll(bytes, description)).toEqual(expected.values ?? [])
      const keywords = new Map(description.keywords)
      for (const [name, value] of Object.entries({ ...expected.expect_text, ...expected.stext })) {
        expect(keywords.get(name)).toBe(value)
      }
      expect(Object.fromEntries(description.analysis)).toEqual(inCapitals(expected.analysis ?? {}))
      const [second] = description.data_sets
      expect(second === undefined).toBe(expected.second_values === undefined)
      if (second) expect(await readAll(bytes, second)).toEqual(expected.second_values ?? [])
    })
  }
}

function inCapitals(keywords: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(keywords).map(([name, value]) => [name.toUpperCase(), value]),
  )
}
