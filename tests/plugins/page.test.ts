import { expect, test } from 'bun:test'
import { join } from 'node:path'
import manifest from '../../package.json'
import { sections, strangersProject } from './page.ts'

test('docs/plugins.md has an example for every plugin that the package exports', () => {
  const exported = Object.keys(manifest.exports).filter((name) => !name.includes('*'))
  expect([...sections.keys()].map((name) => `./${name}`).sort()).toEqual(exported.sort())
  for (const { code } of sections.values()) expect(code).toContain('new Elysia()')
})

test('the examples compile, strictly, in a project that has this package as a dependency', async () => {
  const { folder, remove } = await strangersProject()
  const tsc = join(import.meta.dir, '../../node_modules/typescript/bin/tsc')
  const child = Bun.spawn([process.execPath, tsc, '-p', folder], { stdout: 'pipe', stderr: 'pipe' })
  const output = await new Response(child.stdout).text()
  await child.exited
  await remove()
  expect(output).toBe('')
}, 30_000)
