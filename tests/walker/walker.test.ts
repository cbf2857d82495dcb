import { afterAll, beforeAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { type Answer, type TestApp, testApp } from '../kit/app.ts'
import { isGuarded, type Operation, operationsOf } from './document.ts'
import { type Plan, refusedBy, requestBy, requestTo } from './requests.ts'
import { faultsOf } from './verdict.ts'
import { createWorld, type Sent } from './world.ts'

/** How many requests the walk sends, and the seed that they follow from: docs/testing.md has a longer walk. */
const REQUESTS = Number(process.env.WALKER_REQUESTS ?? 600)
const SEED = Number(process.env.WALKER_SEED ?? 20_261_122)

let api: TestApp
let world: Awaited<ReturnType<typeof createWorld>>
let operations: Operation[]
beforeAll(async () => {
  api = await testApp()
  world = await createWorld(api)
  operations = operationsOf((await api.call('GET', '/openapi.json')).body)
})
afterAll(() => api.close())

const nameOf = ({ method, path }: Operation) => `${method} ${path}`

/** Sends what was planned; throws with all that is wrong with the answer. */
async function walk(plan: Plan): Promise<Sent> {
  const sent = await world.send(plan)
  const faults = faultsOf(sent)
  if (faults.length > 0) {
    const { status, text } = sent.answer
    throw new Error(
      `${plan.method} ${sent.path}\n${faults.join('\n')}\n${status} ${text.slice(0, 500)}`,
    )
  }
  return sent
}

test('security 3: every guarded operation refuses whoever has no, a wrong or a weaker credential, whatever else is sent', async () => {
  const refused = new Map<string, number>()
  for (const operation of operations.filter(isGuarded)) {
    for (const credential of refusedBy(operation)) {
      const plans = fc.sample(requestBy(operation, credential), { numRuns: 2, seed: SEED })
      for (const plan of plans) {
        await walk({ ...plan, method: operation.method })
        refused.set(nameOf(operation), (refused.get(nameOf(operation)) ?? 0) + 1)
      }
    }
  }
  expect([...refused.values()].filter((times) => times < 8)).toEqual([])
  expect(refused.size).toBeGreaterThan(20)
})

test(
  'security 18: valid, nearly valid and hostile requests to every operation are answered as the document says',
  async () => {
    const asked = new Set<string>()
    const succeeded = new Set<string>()
    const statuses = new Map<number, number>()
    const request = fc.constantFrom(...operations).chain(requestTo)
    await fc.assert(
      fc.asyncProperty(request, async (plan) => {
        const { answer } = await walk(plan)
        asked.add(nameOf(plan.operation))
        if (answer.status < 300) succeeded.add(nameOf(plan.operation))
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      }),
      { numRuns: REQUESTS, seed: SEED },
    )
    if (process.env.WALKER_REQUESTS) console.log(Object.fromEntries([...statuses].sort()))
    expect(asked.size).toBe(operations.length)
    // A walk that only ever comes to refusals would show little.
    expect(succeeded.size).toBeGreaterThan(operations.length / 2)
  },
  30_000 + REQUESTS * 100,
)

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => {
  const text = JSON.stringify(body)
  const common = { 'x-request-id': 'a-request', 'x-content-type-options': 'nosniff' }
  const type = { 'content-type': 'application/json' }
  return { status, headers: new Headers({ ...common, ...type, ...headers }), text, body }
}
const refusal = { success: false, error: 'Unauthorized' }
const invalid = { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' }
const WRONG: [string, Answer, Partial<Plan>][] = [
  ['a 500', answer(500, refusal), {}],
  ['a status that is not documented', answer(418, refusal), {}],
  ['a field that is missing', answer(200, { success: true, data: {} }), {}],
  [
    'a field too many',
    answer(200, { success: true, data: { tokens: [], total: 0, next_cursor: null, more: 1 } }),
    {},
  ],
  [
    'HTML',
    answer(401, refusal, { ...invalid, 'content-type': 'text/html' }),
    { credential: 'none' },
  ],
  [
    'a success without a credential',
    answer(200, { success: true, data: { tokens: [], total: 0, next_cursor: null } }),
    { credential: 'none' },
  ],
  ['an error without a credential', answer(401, refusal, invalid), { credential: 'none' }],
  ['a 403 for a wrong credential', answer(400, refusal), { credential: 'garbage' }],
  ['a 401 without its error', answer(401, refusal), { credential: 'changed' }],
  ['a refusal of the right credential', answer(401, refusal, invalid), {}],
  [
    'a thing of somebody else',
    answer(200, { success: true, data: { tokens: [], total: 0, next_cursor: null } }),
    { path: '/@foreign:tokens@' },
  ],
  [
    'a value that was sent',
    answer(422, { ...refusal, message: 'hunter2 is no name' }),
    { body: '{"name":"hunter2 is no name"}' },
  ],
  ['the inside', answer(422, { ...refusal, message: 'relation "tokens" is missing' }), {}],
  ['a method that is none', answer(404, refusal), { method: 'PATCH' }],
  ['a 405 without Allow', answer(405, refusal), { method: 'PATCH' }],
]

test.each(WRONG)('the walk would see %s', (_, wrong, more) => {
  const operation = operations.find((operation) => nameOf(operation) === 'GET /api/v1/tokens')
  if (!operation) throw new Error('no list of tokens')
  const plan: Plan = {
    operation,
    method: 'GET',
    path: '/',
    credential: 'right',
    headers: {},
    body: null,
    ...more,
  }
  expect(faultsOf({ plan, path: plan.path, bearer: 'x', answer: wrong })).not.toEqual([])
})
