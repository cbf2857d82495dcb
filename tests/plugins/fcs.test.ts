import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { Elysia } from 'elysia'
import { fcs } from 'pat-auth-system/fcs'
import { strangersProject } from './page.ts'

const sample = await Bun.file(join(import.meta.dir, '../../data/sample.fcs')).bytes()
let project: Awaited<ReturnType<typeof strangersProject>>
let app: { handle(request: Request): Promise<Response> }
beforeAll(async () => {
  project = await strangersProject()
  const { cytometer } = await import(join(project.folder, 'fcs.ts'))
  app = cytometer()
})
afterAll(() => project.remove())

const post = (body: FormData | Uint8Array<ArrayBuffer>, type?: string) => {
  const headers = type ? { 'content-type': type } : {}
  const address = 'http://test.local/files?filename=raw.fcs'
  return app.handle(new Request(address, { method: 'POST', body, headers }))
}

test('the example: reads a file, raw or multipart, and knows its events and medians', async () => {
  const form = new FormData()
  form.append('file', new File([sample], 'cells.fcs'))
  const raw = (await (await post(sample, 'application/octet-stream')).json()) as {
    medians: Record<string, number>
  }
  expect(raw).toMatchObject({ filename: 'raw.fcs', events: 34_297 })
  expect(Object.keys(raw.medians)).toHaveLength(26)
  expect(await (await post(form)).json()).toEqual({ ...raw, filename: 'cells.fcs' })
})

test('the example: what is cut short is 422 with a reason, another type 415, without an error handler', async () => {
  const cut = await post(sample.slice(0, 100_000), 'application/octet-stream')
  expect(cut.status).toBe(422)
  const { success, message, data } = (await cut.json()) as Record<string, unknown>
  expect(success).toBe(false)
  expect(message).toBeString()
  expect(data).toHaveProperty('reason')
  expect((await post(sample, 'image/png')).status).toBe(415)
})

test('mounted by its package name, it refuses more than maxBytes with 413 and hands over no more', async () => {
  let kept = 0
  const sink = {
    async write(chunk: Uint8Array) {
      kept += chunk.length
    },
    source: () => ({ size: 0, read: async () => new Uint8Array() }),
  }
  const small = new Elysia()
    .use(fcs({ maxBytes: 1000 }))
    .post('/', ({ receiveFcs, request }) => receiveFcs(request, sink), { parse: 'none' })
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(sample.subarray(0, 600))
    },
  })
  const headers = { 'content-type': 'application/octet-stream' }
  const address = 'http://test.local/?filename=a.fcs'
  const response = await small.handle(new Request(address, { method: 'POST', body, headers }))
  expect(response.status).toBe(413)
  expect(kept).toBeLessThanOrEqual(1000)
})
