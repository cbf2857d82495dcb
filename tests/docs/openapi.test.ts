import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OPEN_PATHS } from '../../src/app.ts'
import { type TestApp, testApp } from '../kit/app.ts'

let api: TestApp
type Operation = {
  tags: string[]
  summary: string
  description?: string
  security: Record<string, string[]>[]
  'x-required-scope'?: string
  requestBody?: { required: boolean; content: Record<string, { schema: Record<string, unknown> }> }
  responses: Record<string, { content?: unknown }>
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

test('every route is in the document, but for the pages that show it', () => {
  const shown = new Set(['/docs', '/docs/cdn', '/docs/assets/:name', '/openapi.json'])
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
      expect([where, operation.security.length === 0]).toEqual([where, OPEN_PATHS.includes(path)])
    }
  }
})

test('an operation that needs a scope says which, and answers 401 and 403', () => {
  const scoped = Object.values(document.paths)
    .flatMap((operations) => Object.values(operations))
    .filter(({ security }) => security.some((scheme) => 'personalAccessToken' in scheme))
  expect(scoped.length).toBe(16)
  for (const operation of scoped) {
    expect(operation['x-required-scope']).toMatch(/^(workspaces|users|fcs):\w+$/)
    expect(operation.description).toContain(`Scope: \`${operation['x-required-scope']}\``)
    expect(operation.responses).toContainKeys(['401', '403', '429'])
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
