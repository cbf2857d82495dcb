// Files on the local disk are the service's own.
import { expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localStorage } from '../../src/storage/local.ts'
import { s3Storage } from '../../src/storage/s3.ts'
import { bytesOf, write } from './kit.ts'

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

test('nobody else may read them, or what is under way', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'pat-local-'))
  const folder = join(parent, 'files')
  const staged = await (await localStorage(folder)).stage(crypto.randomUUID())
  await write(staged, bytesOf(10))
  const [part = ''] = await readdir(folder)
  expect([await mode(folder), await mode(join(folder, part))]).toEqual(['700', '600'])
  await staged.commit()
  const [file = ''] = await readdir(folder)
  expect(await mode(join(folder, file))).toBe('600')

  const spoolFolder = join(parent, 'spool')
  const keys = { accessKeyId: 'an-id', secretAccessKey: 'a-secret' }
  const settings = { region: 'us-east-1', bucket: 'flow', forcePathStyle: true, ...keys }
  await s3Storage({ settings, prefix: '', spoolFolder })
  expect(await mode(spoolFolder)).toBe('700')
  await rm(parent, { recursive: true })
})
