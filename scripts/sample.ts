/** `bun scripts/sample.ts [path]` writes the built-in sample: data/sample.fcs unless told otherwise. */

import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { sampleFile, totalEvents } from './sample/file.ts'
import { panel } from './sample/panel.ts'

const path = process.argv[2] ?? fileURLToPath(new URL('../data/sample.fcs', import.meta.url))
const bytes = sampleFile()
await writeFile(path, bytes)
console.log(`${path}: ${totalEvents} events, ${panel.length} channels, ${bytes.length} bytes`)
