import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { cytometrist, FILES, fcsBytes } from '../files/kit.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { pieces, UPLOADS } from './kit.ts'

let api: TestApp
let owner: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp()
  owner = await cytometrist(api)
})
afterAll(() => api.close())

const whole = fcsBytes()

test('x', async () => {
  await api.app.decorator.finishing.start()
  const tus = pieces(api, owner.bearer)
  const begun = await tus.begin(whole.length)
  console.log(begun.status, begun.text, Object.fromEntries(begun.headers))
  const at = begun.headers.get('location') ?? ''
  const h = await tus.head(at)
  console.log(h.status, Object.fromEntries(h.headers))
  const p = await tus.piece(at, 0, whole.slice(0, 100))
  console.log(p.status, p.text, Object.fromEntries(p.headers))
  const q = await tus.piece(at, 100, whole.slice(100))
  console.log(q.status, q.text, Object.fromEntries(q.headers))
  console.log((await tus.head(at)).headers.get('upload-offset'))
  const id = at.split('/').pop()
  console.log((await owner.get(`${FILES}/${id}`)).text.slice(0, 300))
  console.log((await owner.get(`${FILES}/${id}/progress`)).text)
  console.log((await owner.get(`${FILES}/${id}`)).text.slice(0, 300))
  console.log(api.lines.filter((l) => !l.includes('debug')))
})
