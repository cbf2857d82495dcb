import { expect, test } from 'bun:test'
import { join } from 'node:path'

const tests = join(import.meta.dir, '..')
const ROW = /^\| (\d+) \| .+ \| (.+) \|$/gm

test('each of the thirty assertions on security has a test in every file that docs/testing.md names', async () => {
  const page = await Bun.file(join(tests, '../docs/testing.md')).text()
  const rows = [...page.matchAll(ROW)].map(([, number = '', files = '']) => ({
    number,
    files: [...files.matchAll(/`([^`]+)`/g)].map(([, file]) => `${file}.test.ts`),
  }))
  expect(rows.map(({ number }) => Number(number))).toEqual(
    Array.from({ length: 30 }, (_, i) => i + 1),
  )
  const untested: string[] = []
  for (const { number, files } of rows) {
    if (files.length === 0) untested.push(`${number}: no file`)
    for (const file of files) {
      const text = await Bun.file(join(tests, file)).text()
      if (!new RegExp(`['"\`]security ${number}:`).test(text)) untested.push(`${number}: ${file}`)
    }
  }
  expect(untested).toEqual([])
})
