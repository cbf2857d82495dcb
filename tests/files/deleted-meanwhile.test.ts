import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localStorage } from '../../src/storage/local.ts'
import { testApp } from '../kit/app.ts'
import { cytometrist, FILES } from './kit.ts'

test('events of a file that is deleted while they are read are a 404, and of one whose bytes are lost a 500 or a broken download, with a line in the log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pat-auth-deleted-'))
  const local = await localStorage(folder)
  let beforeRead: () => Promise<unknown> = async () => {}
  const api = await testApp({
    storage: {
      ...local,
      source(id, size) {
        const { read } = local.source(id, size)
        return { size, read: (offset, length) => beforeRead().then(() => read(offset, length)) }
      },
    },
  })
  const { bearer, file, get } = await cytometrist(api)
  const events = async (id: string) => (await get(`/api/v1/fcs/events?file_id=${id}`)).status

  const deleted = await file()
  beforeRead = () => api.call('DELETE', `${FILES}/${deleted}`, { bearer })
  expect(await events(deleted)).toBe(404)

  const lost = await file()
  beforeRead = () => local.remove(lost)
  expect(await events(lost)).toBe(500)

  const download = get(`${FILES}/${lost}/download`)
  await expect(download).rejects.toThrow()
  expect(api.lines.filter((line) => line.includes('"download broken off"'))).toHaveLength(1)
  expect(api.lines.at(-1)).toContain(lost)

  await api.close()
  await rm(folder, { recursive: true })
})
