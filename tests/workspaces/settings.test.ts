import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type TestApp, type Token, testApp } from '../kit/app.ts'

let app: TestApp
let token: Token
let path: string
beforeAll(async () => {
  app = await testApp()
  token = await app.token(await app.user(), ['workspaces:admin'])
  const json = { name: 'lab' }
  const created = await app.call('POST', '/api/v1/workspaces', { bearer: token.token, json })
  path = `/api/v1/workspaces/${created.body.data.workspace.id}/settings`
})
afterAll(() => app.close())

const put = (body: string) =>
  app.call('PUT', path, {
    bearer: token.token,
    body,
    headers: { 'content-type': 'application/json' },
  })
const kept = async () => (await app.sql`select settings from workspaces`)[0]?.settings

// What JSON can say and PostgreSQL keep: no NUL, no half of a pair; -0 is 0 there.
const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'))
const { settings: anySettings } = fc.letrec((tie) => ({
  settings: fc.dictionary(
    text.filter((key) => key !== '__proto__'),
    tie('value'),
    { maxKeys: 4 },
  ),
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value || 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('settings'),
  ),
}))

test('settings of any shape come back as they were given', async () => {
  await fc.assert(
    fc.asyncProperty(anySettings, async (settings) => {
      const answer = await put(JSON.stringify(settings))
      expect(answer.status).toBe(200)
      expect(answer.body.data.workspace.settings).toEqual(JSON.parse(JSON.stringify(settings)))
    }),
    {
      numRuns: 150,
      examples: [[{ path: 'C:\\u0000\\ud800' }], [{ constructor: { toString: 1 } }]],
    },
  )
})

test('settings replace what was there, as a whole', async () => {
  await put('{"a":1,"b":2}')
  await put('{"b":3}')
  expect(await kept()).toEqual({ b: 3 })
})

test.each([
  ['a list', '[]'],
  ['null', 'null'],
  ['text', '"a"'],
  ['NUL in a value', '{"a":"\\u0000"}'],
  ['NUL in a name', '{"\\u0000":1}'],
  ['half a pair', '{"a":"\\ud83d"}'],
  ['half a pair after a backslash', '{"a":"\\\\\\udc00"}'],
  ['a __proto__ deep inside', '{"a":[{"__proto__":{"admin":true}}]}'],
  ['a number beyond all', '{"a":[-1e999]}'],
  ['33 levels', `{"a":${'['.repeat(32)}${']'.repeat(32)}}`],
  ['more than 65,536 characters', JSON.stringify({ a: 'x'.repeat(65_536) })],
])('settings of %s are 422, and the old ones stay', async (_, body) => {
  await put('{"old":true}')
  expect((await put(body)).status).toBe(422)
  expect(await kept()).toEqual({ old: true })
})

test('settings of 32 levels and of 65,536 characters are taken', async () => {
  expect((await put(`{"a":${'['.repeat(31)}${']'.repeat(31)}}`)).status).toBe(200)
  expect((await put(JSON.stringify({ a: 'x'.repeat(65_536 - '{"a":""}'.length) }))).status).toBe(
    200,
  )
})
