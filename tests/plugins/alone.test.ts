import { expect, test } from 'bun:test'
import { dirname, join, relative } from 'node:path'
import { dependencies } from '../../package.json'

const root = join(import.meta.dir, '../..')
const files = (folder: string) =>
  Array.fromAsync(new Bun.Glob('**/*.ts').scan({ cwd: join(root, folder), absolute: true }))

/** What the files of a folder import: modules of ours as paths from the root, packages by name. */
async function importsOf(folder: string): Promise<Set<string>> {
  const imported = new Set<string>()
  for (const file of await files(folder)) {
    const source = await Bun.file(file).text()
    for (const [, name = ''] of source.matchAll(/(?:\bfrom |\bimport[ (])'([^']+)'/g)) {
      imported.add(name.startsWith('.') ? relative(root, join(dirname(file), name)) : name)
    }
  }
  return imported
}

const isPackage = (name: string) => name in dependencies || name.startsWith('node:')

test('the plugins import nothing of this program but each other and the FCS parser', async () => {
  const imported = await importsOf('src/plugins')
  expect(imported.size).toBeGreaterThan(10)
  const foreign = [...imported].filter(
    (name) => !isPackage(name) && !name.startsWith('src/plugins/') && name !== 'src/fcs/index.ts',
  )
  expect(foreign).toEqual([])
})

test('the FCS parser imports nothing but itself', async () => {
  const imported = await importsOf('src/fcs')
  expect(imported.size).toBeGreaterThan(10)
  expect([...imported].filter((name) => !name.startsWith('src/fcs/'))).toEqual([])
})
