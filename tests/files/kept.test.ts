import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localStorage } from '../../src/storage/local.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { cytometrist, FILES } from './kit.ts'

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
})
afterAll(() => api.close())

test('an upload whose row can’t be written leaves no bytes, and its answer tells nothing of why', async () => {
  const before = await readdir(api.folder)
  await api.sql`alter table fcs_files rename to fcs_files_away`
  const answer = await me.upload(new Uint8Array(await Bun.file('data/sample.fcs').bytes()))
  await api.sql`alter table fcs_files_away rename to fcs_files`
  expect(answer.status).toBe(500)
  expect(answer.text).not.toMatch(/fcs_files|relation|42P01/)
  expect(await readdir(api.folder)).toEqual(before)
})

test('files are kept where only the server’s own account can read them', async () => {
  const id = await me.file()
  const { mode } = await Bun.file(join(api.folder, id)).stat()
  expect(mode & 0o777).toBe(0o600)
})

test('twenty uploads at once are twenty files', async () => {
  const before = (await me.get(FILES)).body.data.total
  const ids = await Promise.all(Array.from({ length: 20 }, () => me.file()))
  expect(new Set(ids).size).toBe(20)
  expect((await me.get(FILES)).body.data.total).toBe(before + 20)
})

test('what a crash left of an upload goes with a sweep, and what may still be under way stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pat-auth-storage-'))
  for (const name of ['old.part', 'new.part', 'old']) await writeFile(join(folder, name), 'bytes')
  const hoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000)
  for (const name of ['old.part', 'old']) await utimes(join(folder, name), hoursAgo, hoursAgo)
  expect(await (await localStorage(folder)).tidy()).toBe(1)
  expect((await readdir(folder)).toSorted()).toEqual(['new.part', 'old'])
  await rm(folder, { recursive: true })
})
