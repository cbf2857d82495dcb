import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let token: Token
let stranger: Token
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['workspaces:admin'])
  stranger = await app.token(await app.user(), ['workspaces:admin'])
})
afterAll(() => app.close())

const base = '/api/v1/workspaces'
const create = (json: Record<string, unknown>, bearer = token.token) =>
  app.call('POST', base, { bearer, json })
const rows = () => app.sql`select * from workspaces order by id`

test('a workspace is created, listed, given settings and deleted', async () => {
  const created = await create({ name: '  Lab 7 ', description: 'Cytometry' })
  expect(created.status).toBe(201)
  const { workspace, ...echo } = created.body.data
  expect(workspace).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    name: 'Lab 7',
    description: 'Cytometry',
    settings: {},
    created_at: expect.stringMatching(/Z$/),
    updated_at: workspace.created_at,
  })
  expect(echo).toEqual({
    endpoint: base,
    method: 'POST',
    required_scope: 'workspaces:write',
    granted_by: 'workspaces:admin',
    your_scopes: ['workspaces:admin'],
  })

  const listed = await app.call('GET', base, { bearer: token.token })
  expect(listed.body.data).toEqual({
    ...echo,
    method: 'GET',
    required_scope: 'workspaces:read',
    workspaces: [workspace],
    total: 1,
    next_cursor: null,
  })

  const settings = { theme: 'dark', panels: [1, 2.5, null, { a: true }] }
  const call = { bearer: token.token, json: settings }
  const set = await app.call('PUT', `${base}/${workspace.id}/settings`, call)
  expect([set.status, set.body.data]).toEqual([
    200,
    {
      ...echo,
      endpoint: `${base}/${workspace.id}/settings`,
      method: 'PUT',
      required_scope: 'workspaces:admin',
      workspace: { ...workspace, settings, updated_at: expect.any(String) },
    },
  ])
  expect(set.body.data.workspace.updated_at >= workspace.updated_at).toBe(true)

  const deleted = await app.call('DELETE', `${base}/${workspace.id}`, { bearer: token.token })
  expect([deleted.status, deleted.body.data]).toEqual([
    200,
    {
      ...echo,
      endpoint: `${base}/${workspace.id}`,
      method: 'DELETE',
      required_scope: 'workspaces:delete',
      workspace_id: workspace.id,
    },
  ])
  expect(await rows()).toHaveLength(0)
  const again = await app.call('DELETE', `${base}/${workspace.id}`, { bearer: token.token })
  expect(again.status).toBe(404)
})

test.each([
  ['workspaces:read', 'workspaces:read', 'workspaces:read'],
  ['workspaces:write', 'workspaces:delete', 'workspaces:delete'],
] as const)('granted_by is the highest scope held: %s and %s', async (low, high, granted) => {
  const { token } = await app.token(user, [low, high, 'users:read'])
  const { body } = await app.call('GET', base, { bearer: token })
  expect(body.data).toMatchObject({ required_scope: 'workspaces:read', granted_by: granted })
  expect(body.data.your_scopes).toContain('users:read')
})

test.each([
  ['no name', {}],
  ['an empty name', { name: '   ' }],
  ['a name of 101 characters', { name: 'x'.repeat(101) }],
  ['a name with a control character', { name: 'a\u001b[31m' }],
  ['a description of 1,001 characters', { name: 'a', description: 'x'.repeat(1001) }],
])('a workspace with %s is 422, and nothing is kept', async (_, json) => {
  expect((await create(json)).status).toBe(422)
  expect(await rows()).toHaveLength(0)
})

test('security 21: unknown fields are 422, and no row changes', async () => {
  const { body } = await create({ name: 'mine' })
  const before = await rows()
  for (const field of ['owner_id', 'user_id', 'id', 'settings', 'created_at']) {
    expect((await create({ name: 'a', [field]: user.id })).status).toBe(422)
  }
  expect(await rows()).toEqual(before)
  await app.call('DELETE', `${base}/${body.data.workspace.id}`, { bearer: token.token })
})

test("security 20: someone else's, an unknown and a malformed id get one and the same 404", async () => {
  const { id } = (await create({ name: 'private' })).body.data.workspace
  const before = await rows()
  const ids = [id, crypto.randomUUID(), 'not-an-id', `${id}'--`, id.slice(1), '%00']
  for (const [method, suffix] of [
    ['DELETE', ''],
    ['PUT', '/settings'],
  ] as const) {
    for (const each of ids) {
      const call = { bearer: stranger.token, ...(method === 'PUT' && { json: { a: 1 } }) }
      const answer = await app.call(method, `${base}/${each}${suffix}`, call)
      expect([answer.status, answer.body]).toEqual([404, { success: false, error: 'Not Found' }])
      expect(answer.headers.get('www-authenticate')).toBeNull()
    }
  }
  expect((await app.call('GET', base, { bearer: stranger.token })).body.data).toMatchObject({
    workspaces: [],
    total: 0,
  })
  expect(await rows()).toEqual(before)
})
