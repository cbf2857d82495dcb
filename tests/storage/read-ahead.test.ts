// What is asked of S3 for what is read: each request costs as much as a megabyte.
import { expect, test } from 'bun:test'
import { readAhead } from '../../src/storage/read-ahead.ts'
import { bytesOf } from './kit.ts'

const MB = 1024 * 1024
const SIZE = 5_000_000

/** Reads in turn, and the ranges that were fetched for them, each as its offset and length. */
async function fetched(reads: [number, number][]): Promise<number[][]> {
  const file = bytesOf(SIZE)
  const ranges: number[][] = []
  const source = readAhead(SIZE, async (offset, length) => {
    ranges.push([offset, length])
    return file.slice(offset, offset + length)
  })
  for (const [offset, length] of reads) {
    const read = await source.read(offset, length)
    expect(Buffer.compare(read, file.subarray(offset, offset + length))).toBe(0)
  }
  return ranges
}

test('just what is asked for is fetched, as for a range or for a header', async () => {
  const reads: [number, number][] = [
    [0, 58],
    [1000, 200],
    [SIZE - 10, 10],
    [100, 100],
  ]
  expect(await fetched(reads)).toEqual(reads)
})

test('once reads follow each other two megabytes are, and no more than the file has', async () => {
  const reads = Array.from({ length: 50 }, (_, i): [number, number] => [i * 100_000, 100_000])
  expect(await fetched(reads)).toEqual([
    [0, 100_000],
    [100_000, 2 * MB],
    [2_100_000, 2 * MB],
    [4_100_000, 900_000],
  ])
})

test('what goes back behind what is held is fetched again', async () => {
  expect(
    await fetched([
      [MB, 100],
      [MB + 100, 100],
      [MB, 100],
    ]),
  ).toEqual([
    [MB, 100],
    [MB + 100, 2 * MB],
    [MB, 100],
  ])
})

test('a read of more than that is one request', async () => {
  expect(
    await fetched([
      [0, 100],
      [100, 3 * MB],
    ]),
  ).toEqual([
    [0, 100],
    [100, 3 * MB],
  ])
})
