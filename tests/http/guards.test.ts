import { expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { before } from '../../src/plugins/around.ts'
import { Refusal } from '../../src/plugins/refusal.ts'
import { routeTable, scopes } from '../../src/plugins/scopes.ts'

const at = { 'at once': <T>(run: () => T) => run(), later: <T>(run: () => T) => later(run) }
const later = async <T>(run: () => T): Promise<T> => {
  await Promise.resolve()
  return run()
}

test.each(['at once', 'later'] as const)(
  'nothing of an app is reached before a guard that decides %s has let a request in',
  async (when) => {
    const order: string[] = []
    const guarded = (decide: () => Refusal | undefined) =>
      new Elysia()
        .onRequest(() => {
          order.push('the app')
        })
        .wrap(before(() => at[when](() => decide())))
        .get('/', () => 'inside')
        .handle(new Request('http://test.local/'))

    const passed = await guarded(() => {
      order.push('the guard')
      return undefined
    })
    expect([await passed.text(), order.splice(0)]).toEqual(['inside', ['the guard', 'the app']])

    const refusal = new Refusal(403, { message: 'No', headers: { 'x-why': 'no' } })
    const thrown = () => {
      throw refusal
    }
    for (const said of [thrown, () => refusal]) {
      const refused = await guarded(said)
      expect([refused.status, refused.headers.get('x-why')]).toEqual([403, 'no'])
      expect(await refused.json()).toEqual({ success: false, error: 'Forbidden', message: 'No' })
    }

    const broken = later(() =>
      guarded(() => {
        throw new Error('a guard that fails')
      }),
    )
    expect(await broken.catch(String)).toBe('Error: a guard that fails')
    expect(order).toEqual([])
  },
)

test('a route that shares its detail with another is not open to what that one asks for', async () => {
  const root = new Elysia()
  const guard = scopes({
    ladders: { gates: ['read', 'write'] },
    realm: 'gates',
    routes: routeTable(() => root.routes),
    authenticate: (_, check) => {
      check(['gates:read'])
      return { scopes: ['gates:read'] }
    },
  })
  const detail = { summary: 'Of both' }
  root
    .use(guard)
    .get('/write', () => 'written', { scope: 'gates:write', detail })
    .get('/read', () => 'read', { scope: 'gates:read', detail })
  const status = async (path: string) =>
    (await root.handle(new Request(`http://test.local${path}`))).status
  expect(await status('/write')).toBe(401)
  expect(await status('/read')).toBe(200)
})
