// Compiles src/fcs/float32/kernels.wat into compiled.ts beside it: bun scripts/kernels.ts
import { readFile, writeFile } from 'node:fs/promises'
import wabt from 'wabt'

const folder = new URL('../src/fcs/float32/', import.meta.url)

export async function compiledKernels(): Promise<string> {
  const { parseWat } = await wabt()
  const source = await readFile(new URL('kernels.wat', folder), 'utf8')
  const module = parseWat('kernels.wat', source, { simd: true })
  module.validate()
  return Buffer.from(module.toBinary({}).buffer).toString('base64')
}

if (import.meta.main) {
  const lines = (await compiledKernels()).match(/.{1,90}/g) ?? []
  const text = lines.map((line) => `  '${line}'`).join(' +\n')
  const comment = '/** kernels.wat as WebAssembly, in base64. Made by scripts/kernels.ts. */'
  await writeFile(new URL('compiled.ts', folder), `${comment}\nexport const COMPILED =\n${text}\n`)
}
