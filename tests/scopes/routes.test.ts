import { afterAll, beforeAll, expect, test } from 'bun:test'
import { OPEN_PATHS } from '../../src/routing.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { ANY_TOKEN_ROUTES, NOWHERE, PAT_ROUTES, SCOPES } from './pat-routes.ts'

let app: TestApp
let user: User
let every: Token

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  every = await app.token(user, [...SCOPES])
})
afterAll(() => app.close())

type Route = { method: string; path: string }
/** Browsers ask this one of their own accord, without a token. */
const isQuestion = ({ method, path }: Route) =>
  method === 'OPTIONS' && path === '/api/v1/fcs/uploads'
const isOpen = (route: Route) => OPEN_PATHS.includes(route.path) || isQuestion(route)
const closedRoutes = () => app.app.routes.filter((route) => !isOpen(route))
const concrete = (path: string) => path.replace(/:\w+/g, NOWHERE)
const patPaths: ReadonlySet<string> = new Set(
  [...PAT_ROUTES, ...ANY_TOKEN_ROUTES].map(([, path]) => path.split('?')[0] ?? ''),
)
const takesToken = ({ path }: Route) => patPaths.has(concrete(path))

test('security 3: the list of open paths is short, and each path on it is there', () => {
  const known = [
    ...['/', '/health', '/ready', '/docs', '/docs/assets/:name', '/docs/problems'],
    '/openapi.json',
    ...['/api/v1/auth/register', '/api/v1/auth/login', '/api/v1/credentials/revoke'],
    ...['/oauth/revoke', '/.well-known/pat-format.json'],
  ]
  expect([...OPEN_PATHS].sort()).toEqual(known.sort())
  const registered = new Set(app.app.routes.map(({ path }) => path))
  expect(OPEN_PATHS.filter((path) => !registered.has(path))).toEqual([])
})

/** A page of the Swagger plugin that nobody declared: there, and closed. */
const isUndeclared = ({ path }: Route) => path === '/docs/cdn'

test('security 3: every other route is 401 without a credential, and an undeclared one is not there', async () => {
  const routes = closedRoutes()
  expect(routes.length).toBeGreaterThan(20)
  for (const route of routes) {
    const { status } = await app.call(route.method, concrete(route.path))
    const expected = isUndeclared(route) ? 404 : 401
    expect([route.method, route.path, status]).toEqual([route.method, route.path, expected])
  }
})

test('security 3: each route that takes a token takes no JWT, and every other takes no token', async () => {
  for (const route of closedRoutes().filter((route) => !isUndeclared(route))) {
    const wrong = takesToken(route) ? user.jwt : every.token
    const answer = await app.call(route.method, concrete(route.path), { bearer: wrong })
    expect([route.method, route.path, answer.status]).toEqual([route.method, route.path, 401])
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  }
})

test('security 3: the routes that take a token are the contract’s, each with its scope', async () => {
  const registered = closedRoutes().filter(takesToken)
  const named = [...PAT_ROUTES, ...ANY_TOKEN_ROUTES].map(
    ([method, path]) => `${method} ${path.split('?')[0]}`,
  )
  const unnamed = registered.filter(
    ({ method, path }) => !named.includes(`${method} ${concrete(path)}`),
  )
  expect(unnamed.map(({ method, path }) => `${method} ${path}`)).toEqual([])
  const nothing = await app.token(user, ['users:read'])
  for (const [method, path, required] of PAT_ROUTES) {
    if (required === 'users:read') continue
    const { headers } = await app.call(method, path, { bearer: nothing.token })
    expect([path, headers.get('www-authenticate')]).toEqual([
      path,
      expect.stringContaining(`scope="${required}"`),
    ])
  }
})

test.each(['/api/v1/nothing', '/api/v1/tokens/', '/api/v1//tokens', '/API/v1/tokens'])(
  '%s is no route, with or without a credential',
  async (path) => {
    expect((await app.call('GET', path)).status).toBe(404)
    expect((await app.call('GET', path, { bearer: every.token })).status).toBe(404)
    expect((await app.call('GET', path, { bearer: user.jwt })).status).toBe(404)
  },
)

test('a wrong method is 405 with the methods that there are', async () => {
  const answer = await app.call('PATCH', '/api/v1/users/me', { bearer: every.token })
  expect(answer.status).toBe(405)
  expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(['GET', 'HEAD', 'OPTIONS', 'PUT'])
})
