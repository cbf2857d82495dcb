import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { Elysia } from 'elysia'
import { memoryStore, rateLimit } from 'pat-auth-system/rate-limit'
import { strangersProject } from './page.ts'

let project: Awaited<ReturnType<typeof strangersProject>>
let url: string
let stop: () => Promise<unknown>
beforeAll(async () => {
  project = await strangersProject()
  const { greeter } = await import(join(project.folder, 'rate-limit.ts'))
  const app = greeter(['127.0.0.0/8']).listen({ port: 0, hostname: '127.0.0.1' })
  url = app.server.url.origin
  stop = () => app.stop(true)
})
afterAll(async () => {
  await stop()
  await project.remove()
})

const from = (client: string, path = '/') =>
  fetch(url + path, { headers: { 'x-forwarded-for': client } })

test('the example: three pass and the fourth is 429 with Retry-After, for each address by itself', async () => {
  for (const remaining of [2, 1, 0]) {
    const passed = await from('192.0.2.1')
    expect(await passed.text()).toBe('hello')
    expect(passed.headers.get('ratelimit-policy')).toBe('"address";q=3;w=60')
    expect(passed.headers.get('ratelimit')).toStartWith(`"address";r=${remaining};t=`)
  }
  const refused = await from('192.0.2.1')
  expect(refused.status).toBe(429)
  const { error, data } = (await refused.json()) as { error: string; data: { retry_after: number } }
  expect(error).toBe('Too Many Requests')
  expect(refused.headers.get('retry-after')).toBe(String(data.retry_after))
  expect((await from('192.0.2.2')).status).toBe(200)
})

test('the example: /health is not counted, and a path that does not exist is', async () => {
  for (let time = 0; time < 5; time++) {
    expect((await from('192.0.2.3', '/health')).status).toBe(200)
  }
  for (const status of [404, 404, 404, 429]) {
    expect((await from('192.0.2.3', '/nothing')).status).toBe(status)
  }
})

test('mounted by its package name, it counts in any store, and by its own clock', async () => {
  let seconds = 0
  const window = { limit: 1, windowSeconds: 10 }
  const store = memoryStore({ ...window, now: () => seconds * 1000 })
  const app = new Elysia()
    .use(rateLimit({ ...window, store, address: () => '192.0.2.4' }))
    .get('/', () => 'hello')
  const statusAt = async (second: number) => {
    seconds = second
    return (await app.handle(new Request('http://test.local/'))).status
  }
  expect([await statusAt(0), await statusAt(9), await statusAt(10)]).toEqual([200, 429, 200])
})
