import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { Elysia } from 'elysia'
import { pat } from 'pat-auth-system/pat'
import { databaseFor, strangersProject } from './page.ts'

let project: Awaited<ReturnType<typeof strangersProject>>
let database: Awaited<ReturnType<typeof databaseFor>>
let url: string
let userId: string
let settled: () => Promise<unknown>
let stop: () => Promise<unknown>

beforeAll(async () => {
  project = await strangersProject()
  database = await databaseFor('pat')
  const [user] = await database.sql`
    insert into users (username, username_key, email, email_key, password_hash)
    values ('ada', 'ada', 'ada@example.org', 'ada@example.org', '') returning id`
  userId = user?.id
  const { notes } = await import(join(project.folder, 'pat.ts'))
  const app = notes(database.sql).listen({ port: 0, hostname: '127.0.0.1' })
  url = app.server.url.origin
  settled = app.decorator.pat.settled
  stop = () => app.stop(true)
})
afterAll(async () => {
  await stop()
  await database.drop()
  await project.remove()
})

const issue = async () =>
  (await (await fetch(`${url}/users/${userId}/tokens`, { method: 'POST' })).json()) as {
    id: string
    token: string
  }
const notes = (token?: string) =>
  fetch(`${url}/notes`, { headers: token ? { authorization: `Bearer ${token}` } : {} })

test('the example: a token that it issues opens its route for its owner', async () => {
  const { token } = await issue()
  expect(token).toMatch(/^pat_[0-9A-Za-z]{36}$/)
  const response = await notes(token)
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ of: userId, scopes: ['notes:read'] })
})

test('the example: no token, a wrong one and a revoked one are 401 with a challenge, without an error handler', async () => {
  const { id, token } = await issue()
  await database.sql`update tokens set revoked_at = now() where id = ${id}`
  await settled()
  const challenge = (error: string, text: string) =>
    `Bearer realm="notes", error="${error}", error_description="${text}"`
  for (const [presented, message, expected] of [
    [undefined, 'A bearer token is required', 'Bearer realm="notes"'],
    [`${token}x`, 'Invalid token', challenge('invalid_token', 'Invalid token')],
    [token, 'Token revoked', challenge('invalid_token', 'Token revoked')],
  ] as const) {
    const response = await notes(presented)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe(expected)
    expect(await response.json()).toEqual({ success: false, error: 'Unauthorized', message })
  }
})

test('mounted by its package name on an empty app, `check` has the last word', async () => {
  const { token } = await issue()
  const { sql } = database
  const app = new Elysia()
    .use(pat({ sql, realm: 'empty', address: () => '127.0.0.1' }))
    .get('/', ({ pat, request }) =>
      pat.authenticate(request, (held) => {
        if (!held.includes('notes:write')) throw new Error('read only')
      }),
    )
  const headers = { authorization: `Bearer ${token}` }
  const response = await app.handle(new Request('http://test.local/', { headers }))
  expect([response.status, await response.text()]).toEqual([500, 'read only'])
  await app.decorator.pat.close()
})
