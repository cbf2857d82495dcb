import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localStorage } from '../../src/storage/local.ts'
import { testApp } from '../kit/app.ts'
import { cytometrist, FILES } from './kit.ts'

test('a file that is deleted while it is read is a 404, and one whose bytes are lost a 410, or a broken download with a line in the log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pat-auth-deleted-'))
  const local = await localStorage(folder)
  let beforeRead: (offset: number) => Promise<unknown> = async () => {}
  const api = await testApp({
    storage: {
      ...local,
      source(id, size) {
        const { read } = local.source(id, size)
        return {
          size,
          read: (offset, length) => beforeRead(offset).then(() => read(offset, length)),
        }
      },
    },
  })
  const { bearer, file, get } = await cytometrist(api)
  const paths = (id: string) => [`/api/v1/fcs/events?file_id=${id}`, `${FILES}/${id}/download`]

  for (const at of [0, 1]) {
    const deleted = await file()
    beforeRead = () => api.call('DELETE', `${FILES}/${deleted}`, { bearer })
    expect((await get(paths(deleted)[at] ?? '')).status).toBe(404)

    const lost = await file()
    beforeRead = () => local.remove(lost)
    const answer = await get(paths(lost)[at] ?? '')
    expect([answer.status, answer.body.message]).toEqual([410, 'The bytes of this file are lost'])
    // What its row has is still answered.
    expect((await get(`${FILES}/${lost}`)).status).toBe(200)
    expect((await get(`/api/v1/fcs/statistics?file_id=${lost}`)).status).toBe(200)
  }

  const large = await file(new Uint8Array(await Bun.file('data/sample.fcs').bytes()))
  beforeRead = async (offset) => offset > 0 && (await local.remove(large))
  await expect(get(`${FILES}/${large}/download`)).rejects.toThrow()
  expect(api.lines.filter((line) => line.includes('"download broken off"'))).toHaveLength(1)
  expect(api.lines.at(-1)).toContain(large)

  await api.close()
  await rm(folder, { recursive: true })
})
