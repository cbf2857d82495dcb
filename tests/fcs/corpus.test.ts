import { expect, test } from 'bun:test'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { FcsError } from '../../src/fcs/index.ts'
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
  version: string
  datatype: string
  events: number
  keywords: number
  data_offsets_from: string
  channels: Channel[]
  events_sha256_f64le: string
}
type RealFile = { file: string; expected?: { datasets: DataSet[] } }
type SyntheticFile = {
  file: string
  lenient: string
  values: number[][] | null
  expect_text?: Record<string, string>
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

function isInScope({ datatype, channels }: DataSet): boolean {
  const widths = new Set(channels.map(({ bits }) => bits))
  return datatype !== 'I' || (widths.size === 1 && (widths.has(16) || widths.has(32)))
}

/** Right by the standard, and refused for now. */
const notYetRead = ['ascii_fixed.fcs', 'byteord_2143_f32.fcs', 'int8.fcs']

function sha256(values: number[][]): string {
  const flat = Float64Array.from(values.flat())
  return new Bun.CryptoHasher('sha256').update(new Uint8Array(flat.buffer)).digest('hex')
}

function expectClose(actual: number | null, expected: number): void {
  expect(Math.abs((actual ?? Number.NaN) - expected)).toBeLessThanOrEqual(
    1e-12 * Math.abs(expected),
  )
}

if (isThere) {
  for (const { file, expected } of manifest<{ files: RealFile[] }>('real').files) {
    const dataSet = expected?.datasets[0]
    if (!dataSet || !isInScope(dataSet)) {
      test(`${file} is refused with a reason`, async () => {
        await expect(scanFile(bytesOf('real', file))).rejects.toBeInstanceOf(FcsError)
      })
      continue
    }
    test(`${file} is read as independent readers read it`, async () => {
      const bytes = bytesOf('real', file)
      const { description, statistics } = await scanFile(bytes, [1000, 3, 70_001])
      expect(description.version).toBe(dataSet.version)
      expect(description.total_events).toBe(dataSet.events)
      expect(description.parameters.map(({ pnn }) => pnn)).toEqual(
        dataSet.channels.map(({ pnn }) => pnn),
      )
      expect(description.keywords.length).toBe(dataSet.keywords)
      expect(sha256(await readAll(bytes, description))).toBe(dataSet.events_sha256_f64le)
      for (const [i, channel] of dataSet.channels.entries()) {
        const { min, max, median, mean, std, count, non_finite } = statistics[i] ?? {}
        expect([min, max, median, count, non_finite]).toEqual([
          ...[channel.min, channel.max, channel.median],
          ...[channel.n, channel.nonfinite],
        ])
        expectClose(mean ?? null, channel.mean)
        expectClose(std ?? null, channel.std)
      }
    })
  }

  for (const { file, lenient, values, expect_text } of manifest<SyntheticFile[]>('synthetic')) {
    if (lenient !== 'ok' || notYetRead.includes(file)) {
      test(`${file} is refused with a reason`, async () => {
        await expect(scanFile(bytesOf('synthetic', file))).rejects.toBeInstanceOf(FcsError)
      })
      continue
    }
    test(`${file} is read`, async () => {
      const bytes = bytesOf('synthetic', file)
      const { description } = await scanFile(bytes)
      expect(await readAll(bytes, description)).toEqual(values ?? [])
      for (const [name, value] of Object.entries(expect_text ?? {})) {
        expect(new Map(description.keywords).get(name)).toBe(value)
      }
    })
  }
}
