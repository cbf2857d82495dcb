import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { OPEN_PATHS } from '../../src/routing.ts'
import { cytometrist } from '../files/kit.ts'
import { type TestApp, testApp } from '../kit/app.ts'

let api: TestApp
type Operation = {
  tags: string[]
  summary: string
  description?: string
  security: Record<string, string[]>[]
  'x-required-scope'?: string
  requestBody?: { required: boolean; content: Record<string, { schema: Record<string, unknown> }> }
  responses: Record<string, { content?: Record<string, { schema: z.core.JSONSchema.JSONSchema }> }>
}
let document: {
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { securitySchemes: Record<string, unknown> }
}

beforeAll(async () => {
  api = await testApp()
  document = (await api.call('GET', '/openapi.json')).body
})
afterAll(() => api.close())

const documentedPath = (path: string) => path.replace(/:(\w+)/g, '{$1}')

test('redocly finds no fault in the OpenAPI document', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pat-auth-openapi-'))
  const file = join(folder, 'openapi.json')
  await Bun.write(file, JSON.stringify(document))
  const redocly = join(import.meta.dir, '../../node_modules/.bin/redocly')
  const lint = Bun.spawn([process.execPath, '--bun', redocly, 'lint', file, '--format=json'], {
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    stderr: 'ignore',
  })
  const report = await new Response(lint.stdout).json()
  await rm(folder, { recursive: true })
  expect(report).toMatchObject({ problems: [], totals: { errors: 0, warnings: 0, ignored: 0 } })
})

test('every route is in the document, but for the pages that show it and paths of others', () => {
  const shown = new Set([
    '/docs',
    '/docs/cdn',
    '/docs/problems',
    '/docs/assets/:name',
    '/openapi.json',
  ])
  // Whatever path and method a gateway asks about.
  shown.add('/api/v1/auth/verify/*')
  const routes = api.app.routes.filter(({ path }) => !shown.has(path))
  const missing = routes.filter(
    ({ method, path }) => !document.paths[documentedPath(path)]?.[method.toLowerCase()],
  )
  expect(routes.length).toBeGreaterThan(20)
  expect(missing).toEqual([])
})

test('every operation names its tag, a summary, its answer and how to be authorized', () => {
  const tags = new Set(document.tags.map(({ name }) => name))
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const where = `${method} ${path}`
      expect([where, operation.tags.map((tag) => tags.has(tag))]).toEqual([where, [true]])
      expect([where, operation.summary]).toEqual([where, expect.any(String)])
      const good = Object.entries(operation.responses).filter(([code]) => code < '300')
      expect([where, good.length]).toEqual([where, good.length > 0 ? good.length : 1])
      expect([where, good[0]?.[1].content]).toEqual([where, expect.any(Object)])
      const open = OPEN_PATHS.includes(path) || method === 'options'
      expect([where, operation.security.length === 0]).toEqual([where, open])
    }
  }
})

test('an operation that needs a scope says which, and one that takes a token answers 401 and 403', () => {
  const takeTokens = Object.values(document.paths)
    .flatMap((operations) => Object.values(operations))
    .filter(({ security }) => security.some((scheme) => 'personalAccessToken' in scheme))
  for (const { responses } of takeTokens) {
    expect(responses).toContainKeys(['401', '403', '429'])
  }
  const scoped = takeTokens.filter((operation) => 'x-required-scope' in operation)
  expect([takeTokens.length, scoped.length]).toEqual([25, 21])
  for (const operation of scoped) {
    expect(operation['x-required-scope']).toMatch(/^(workspaces|users|fcs):\w+$/)
    expect(operation.description).toContain(`Scope: \`${operation['x-required-scope']}\``)
  }
})

test('the refusal of a token in the URL is documented wherever a credential is asked for', async () => {
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { security, responses }] of Object.entries(operations)) {
      if (security.length === 0) continue
      const at = `${path.replace('{id}', crypto.randomUUID())}?access_token=x`
      const { status } = await api.call(method.toUpperCase(), at)
      expect([method, path, status, Object.keys(responses)]).toEqual([
        ...[method, path, 400],
        expect.arrayContaining(['400']),
      ])
    }
  }
})

test('a JSON body is documented as JSON alone, with its fields and limits', () => {
  const body = document.paths['/api/v1/tokens']?.post?.requestBody
  expect(Object.keys(body?.content ?? {})).toEqual(['application/json'])
  expect(body?.required).toBe(true)
  expect(body?.content['application/json']?.schema).toMatchObject({
    additionalProperties: false,
    required: ['name', 'scopes'],
    properties: {
      name: { type: 'string', minLength: 1, maxLength: 100 },
      expires_in_days: { minimum: 1, maximum: 365, default: 30 },
    },
  })
})

test('a body that may be left out is documented so', () => {
  const regenerate = document.paths['/api/v1/tokens/{id}/regenerate']?.post
  expect(regenerate?.requestBody?.required).toBe(false)
})

test('both kinds of bearer can be authorized', () => {
  expect(document.components.securitySchemes).toMatchObject({
    session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    personalAccessToken: { type: 'http', scheme: 'bearer' },
  })
})

/** The queries that a route can't do without. */
const REQUIRED: Record<string, string> = {
  '/api/v1/fcs/histogram': '?parameter=FSC-A',
  '/api/v1/fcs/density': '?x=FSC-A&y=SSC-A',
  '/api/v1/tokens/self/can': '?scope=fcs:read',
}

test('what a route answers with is what the document says of it, to the field', async () => {
  const me = await cytometrist(api)
  const { id } = await api.token(me.user, ['users:read', 'workspaces:admin'])
  const all = await api.token(me.user, ['users:read', 'workspaces:admin', 'fcs:analyze'])
  const json = { name: 'a workspace' }
  await api.call('POST', '/api/v1/workspaces', { bearer: all.token, json })
  const file = await me.file()
  let compared = 0
  for (const [path, { get }] of Object.entries(document.paths)) {
    const schema = get?.responses[200]?.content?.['application/json']?.schema
    if (!get || !schema) continue
    const bearer = get.security.some((kind) => 'session' in kind) ? me.user.jwt : all.token
    const of = path.startsWith('/api/v1/tokens') ? id : file
    const url = `${path.replace('{id}', of)}${REQUIRED[path] ?? ''}`
    const { body } = await api.call('GET', url, { bearer })
    const said = z.fromJSONSchema(schema, { defaultTarget: 'openapi-3.0' }).safeParse(body)
    expect([path, said.error?.issues]).toEqual([path, undefined])
    compared++
  }
  expect(compared).toBeGreaterThan(12)
})

test('every field of a parameter is in the document', async () => {
  const { bearer } = await cytometrist(api)
  const answer = await api.call('GET', '/api/v1/fcs/parameters', { bearer })
  const documented = JSON.stringify(document.paths['/api/v1/fcs/parameters']?.get?.responses[200])
  for (const field of Object.keys(answer.body.data.parameters[0])) {
    expect(documented).toContain(`"${field}":`)
  }
})
