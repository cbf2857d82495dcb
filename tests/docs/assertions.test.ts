import { expect, test } from 'bun:test'
import { join } from 'node:path'

const tests = join(import.meta.dir, '..')
const ROW = /^\| (\d+) \| .+ \| (.+) \|$/gm

/** What is not built yet: the roles of the database. */
const TO_COME = ['30']

/** The files that have a test of an assertion, by its number. */
async function tested(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for await (const file of new Bun.Glob('**/*.test.ts').scan(tests)) {
    const text = await Bun.file(join(tests, file)).text()
    const numbers = new Set(
      [...text.matchAll(/['"`]security (\d+):/g)].map(([, number = '']) => number),
    )
    for (const number of numbers) found.set(number, [...(found.get(number) ?? []), file])
  }
  return found
}

test('docs/testing.md names the tests of each of the thirty assertions on security, and each has one', async () => {
  const page = await Bun.file(join(tests, '../docs/testing.md')).text()
  const found = await tested()
  const rows = [...page.matchAll(ROW)].map(([, number = '', files = '']) => ({
    number,
    named: [...files.matchAll(/`([^`]+)`/g)].map(([, file]) => `${file}.test.ts`),
  }))
  expect(rows.map(({ number }) => Number(number))).toEqual(
    Array.from({ length: 30 }, (_, i) => i + 1),
  )
  for (const { number, named } of rows) {
    expect([number, ...named.sort()]).toEqual([number, ...(found.get(number) ?? []).sort()])
  }
  expect(rows.flatMap(({ number, named }) => (named.length === 0 ? [number] : []))).toEqual(TO_COME)
})
