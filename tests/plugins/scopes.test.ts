import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { Elysia } from 'elysia'
import { routeTable, scopes } from 'pat-auth-system/scopes'
import { strangersProject } from './page.ts'

type App = { handle(request: Request): Promise<Response> }
let project: Awaited<ReturnType<typeof strangersProject>>
let app: App
beforeAll(async () => {
  project = await strangersProject()
  const { reports } = await import(join(project.folder, 'scopes.ts'))
  app = reports()
})
afterAll(() => project.remove())

const call = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
  app.handle(
    new Request(`http://test.local${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    }),
  )

test('the example: the higher scope reads too, and the handler knows by which scope', async () => {
  const read = await call('GET', '/reports', { 'x-key': 'key of ada' })
  expect(await read.json()).toEqual({ reader: 'Ada', by: 'reports:write' })
  const headers = { 'x-key': 'key of ada', 'content-type': 'text/plain' }
  const written = await call('POST', '/reports', headers, 'cells')
  expect(await written.json()).toEqual({ written: 'cells' })
})

test('the example: the lower scope may read and not write', async () => {
  expect((await call('GET', '/reports', { 'x-key': 'key of bob' })).status).toBe(200)
  const refused = await call('POST', '/reports', { 'x-key': 'key of bob' }, 'cells')
  expect(refused.status).toBe(403)
  expect(refused.headers.get('www-authenticate')).toBe(
    'Bearer realm="reports", error="insufficient_scope", scope="reports:write"',
  )
  expect(await refused.json()).toEqual({
    success: false,
    error: 'Forbidden',
    data: {
      required_scope: 'reports:write',
      your_scopes: ['reports:read'],
      smallest_scope: 'reports:write',
    },
  })
})

test('the example: an unknown key is refused before the body is read, and an open route is open', async () => {
  const json = { 'content-type': 'application/json' }
  expect((await call('POST', '/reports', json, '{ broken')).status).toBe(401)
  expect(await (await call('GET', '/about')).text()).toBe('open to everyone')
})

test('mounted by its package name, it closes routes of child apps too, HEAD included', async () => {
  const root = new Elysia()
  const guard = scopes({
    ladders: { rooms: ['enter'] },
    realm: 'house',
    routes: routeTable(() => root.routes),
    async authenticate(_, check) {
      check([])
      return { scopes: [] }
    },
  })
  const child = new Elysia({ prefix: '/rooms' })
    .use(guard)
    .get('/:id', () => 'inside', { scope: 'rooms:enter' })
  root.use(child)
  for (const method of ['GET', 'HEAD']) {
    const response = await root.handle(new Request('http://test.local/rooms/1', { method }))
    expect(response.status).toBe(403)
  }
})
