import { afterAll, beforeAll, expect, test } from 'bun:test'
import { OPEN_PATHS } from '../../src/routing.ts'
import { type TestApp, testApp } from '../kit/app.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']

let app: TestApp
/** The methods of each documented path, as the OpenAPI document has them; `self` is no place for an id. */
let paths: [path: string, methods: string[]][]
beforeAll(async () => {
  app = await testApp()
  const { body } = await app.call('GET', '/openapi.json')
  const documented: [string, object][] = Object.entries(body.paths)
  paths = documented.map(([path, operations]) => [
    path.replace(/\{\w+\}/g, crypto.randomUUID()),
    Object.keys(operations).map((method) => method.toUpperCase()),
  ])
})
afterAll(() => app.close())

test('every other method is 405 with all that a path answers in Allow, and OPTIONS tells the same', async () => {
  expect(paths.length).toBeGreaterThan(15)
  for (const [path, methods] of paths) {
    const more = [...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
    const complete = [...new Set([...methods, ...more])]
    const allow = complete.sort().join(', ')
    for (const method of METHODS.filter((method) => !complete.includes(method))) {
      const answer = await app.call(method, path)
      expect([path, answer.status, answer.headers.get('allow')]).toEqual([path, 405, allow])
      // An answer to HEAD has no body.
      if (method !== 'HEAD')
        expect(answer.body).toEqual({ success: false, error: 'Method Not Allowed' })
    }
    const options = await app.call('OPTIONS', path)
    expect([path, options.status, options.text, options.headers.get('allow')]).toEqual([
      path,
      204,
      '',
      allow,
    ])
  }
})

test('HEAD is answered on every GET route like GET, without a body', async () => {
  const user = await app.user()
  const pat = await app.token(user, ['workspaces:read', 'users:read', 'fcs:analyze'])
  const readable = paths.filter(([, methods]) => methods.includes('GET')).map(([path]) => path)
  for (const path of [...readable, '/docs', '/openapi.json']) {
    const bearer = path.startsWith('/api/v1/tokens') ? user.jwt : pat.token
    const got = await app.call('GET', path, { bearer })
    const head = await app.call('HEAD', path, { bearer })
    expect([path, head.status]).toEqual([path, got.status])
    expect([path, head.headers.get('content-type')]).toEqual([
      path,
      got.headers.get('content-type'),
    ])
    if (got.status < 400) expect([path, head.text]).toEqual([path, ''])
  }
})

test.each([
  '/nothing',
  '/api/v1',
  '/api/v1/',
  '/health/',
  '//health',
  '/HEALTH',
  '/api/v1/auth/register/',
  '/api/v2/tokens',
  '/constructor',
  '/__proto__',
])('no route is at %s, whatever the method', async (path) => {
  for (const method of ['GET', 'POST', 'OPTIONS']) {
    const answer = await app.call(method, path)
    expect([answer.status, answer.body]).toEqual([404, { success: false, error: 'Not Found' }])
  }
})

test('every route is on the short list of open ones or refuses who has no credential', async () => {
  for (const { method, path } of app.app.routes) {
    // OPTIONS asks what there is to ask for, everywhere.
    if (OPEN_PATHS.includes(path) || method === 'OPTIONS') continue
    const { status } = await app.call(method, path.replaceAll(/:\w+/g, crypto.randomUUID()))
    // The document plugin's own page is closed to everybody.
    expect([path, status]).toEqual([path, path.startsWith('/docs/') ? 404 : 401])
  }
})
