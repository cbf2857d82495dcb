import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestApp, testApp, type User } from '../kit/app.ts'
import { NOWHERE, PAT_ROUTES, SCOPES } from './pat-routes.ts'

let app: TestApp
let user: User

beforeAll(async () => {
  app = await testApp()
  user = await app.user()
})
afterAll(() => app.close())

// The ladders of the contract, written out: who holds one on the right may do what is on the left.
const GRANTING = {
  'workspaces:read': [
    'workspaces:read',
    'workspaces:write',
    'workspaces:delete',
    'workspaces:admin',
  ],
  'workspaces:write': ['workspaces:write', 'workspaces:delete', 'workspaces:admin'],
  'workspaces:delete': ['workspaces:delete', 'workspaces:admin'],
  'workspaces:admin': ['workspaces:admin'],
  'users:read': ['users:read', 'users:write'],
  'users:write': ['users:write'],
  'fcs:read': ['fcs:read', 'fcs:write', 'fcs:analyze'],
  'fcs:write': ['fcs:write', 'fcs:analyze'],
  'fcs:analyze': ['fcs:analyze'],
} as const

describe('permission hierarchy inheritance', () => {
  test.each([...SCOPES])(
    'a token with only %s opens its own rung and those below',
    async (held) => {
      const { token } = await app.token(user, [held])
      for (const [method, path, required] of PAT_ROUTES) {
        const { status } = await app.call(method, path, { bearer: token })
        const granting: readonly string[] = GRANTING[required]
        expect([method, path, status !== 403]).toEqual([method, path, granting.includes(held)])
      }
    },
  )

  test('granted_by is the highest scope held that grants, in whatever order they were asked for', async () => {
    const { token } = await app.token(user, ['workspaces:write', 'users:read', 'workspaces:delete'])
    const { body } = await app.call('GET', '/api/v1/workspaces', { bearer: token })
    expect(body.data.required_scope).toBe('workspaces:read')
    expect(body.data.granted_by).toBe('workspaces:delete')
    expect(new Set(body.data.your_scopes)).toEqual(
      new Set(['workspaces:write', 'workspaces:delete', 'users:read']),
    )
  })
})

test('security 8: all 512 sets of scopes against every route give exactly the ladder', async () => {
  const wrong: string[] = []
  const check = async (mask: number) => {
    const held = SCOPES.filter((_, bit) => mask & (1 << bit))
    const { token } = await app.token(user, held)
    for (const [method, path, required] of PAT_ROUTES) {
      const { status, headers } = await app.call(method, path, { bearer: token })
      const expected = GRANTING[required].some((scope) => held.includes(scope))
      const challenged = headers.get('www-authenticate')?.includes(`scope="${required}"`) ?? false
      if ((status !== 403) !== expected || challenged === expected || status === 401) {
        wrong.push(`${held} ${method} ${path}: ${status}`)
      }
    }
  }
  // Eight at a time, so that the audit rows share their commits.
  const masks = Array.from({ length: 2 ** SCOPES.length - 1 }, (_, i) => i + 1).values()
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const mask of masks) await check(mask)
    }),
  )
  expect(wrong).toEqual([])
}, 30_000)

test('the empty set can not be issued, so no token opens nothing', async () => {
  const json = { name: 'none', scopes: [] }
  expect((await app.call('POST', '/api/v1/tokens', { bearer: user.jwt, json })).status).toBe(422)
})

test('a scope of one resource is no scope of another, whatever its rung', async () => {
  const { token } = await app.token(user, ['workspaces:admin', 'fcs:analyze'])
  const { status, body } = await app.call('GET', `/api/v1/users/me`, { bearer: token })
  expect(status).toBe(403)
  expect(body.data.required_scope).toBe('users:read')
  expect((await app.call('GET', `/api/v1/fcs/files/${NOWHERE}`, { bearer: token })).status).toBe(
    404,
  )
})
