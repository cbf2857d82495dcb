import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'

let app: TestApp
let user: User
let token: Token
let newestFirst: string[]
beforeAll(async () => {
  app = await testApp()
  user = await app.user()
  token = await app.token(user, ['workspaces:read'])
  // Several of one instant, so that the id decides.
  const made = await app.sql<{ id: string }[]>`
    insert into workspaces (owner_id, name, created_at)
    select ${user.id}, 'number ' || n, timestamptz '2026-01-01' + make_interval(secs => n / 3)
    from generate_series(1, 57) as n
    returning id, created_at`
  const sorted = await app.sql<{ id: string }[]>`
    select id from workspaces where id = any(${made.map(({ id }) => id)})
    order by created_at desc, id desc`
  newestFirst = sorted.map(({ id }) => id)
})
afterAll(() => app.close())

type Page = { ids: string[]; total: number; next: string | null }

async function page(query: string): Promise<Page> {
  const { body } = await app.call('GET', `/api/v1/workspaces?${query}`, { bearer: token.token })
  const { workspaces, total, next_cursor } = body.data
  return { ids: workspaces.map(({ id }: { id: string }) => id), total, next: next_cursor }
}

test('the list begins with the newest fifty, and says how many there are', async () => {
  const { ids, total, next } = await page('')
  expect(ids).toEqual(newestFirst.slice(0, 50))
  expect([total, next]).toEqual([57, expect.any(String)])
})

test.each([1, 7, 19, 56, 57, 58, 200])(
  'pages of %i give every row once, in order',
  async (limit) => {
    const seen: string[] = []
    let next: string | null = ''
    for (let pages = 0; next !== null; pages++) {
      expect(pages).toBeLessThan(Math.ceil(57 / limit))
      const found: Page = await page(`limit=${limit}${next && `&cursor=${next}`}`)
      seen.push(...found.ids)
      next = found.next
    }
    expect(seen).toEqual(newestFirst)
  },
)

test('what is created meanwhile moves nothing on the next page', async () => {
  const { ids, next } = await page('limit=10')
  const [created] = await app.sql`
    insert into workspaces (owner_id, name) values (${user.id}, 'late') returning id`
  const { ids: following } = await page(`limit=10&cursor=${next}`)
  expect([...ids, ...following]).toEqual(newestFirst.slice(0, 20))
  await app.sql`delete from workspaces where id = ${created?.id}`
})
