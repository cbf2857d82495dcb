// The way to a server that may be slow or gone, with a server whose every answer the test gives.
import { expect, test } from 'bun:test'
import { type Connection, createLink } from '../../src/plugins/rate-limit/index.ts'
import { until } from '../kit/service.ts'

/** A link to a server that fails to answer so many commands, or all, and what became of its connections. */
function linked() {
  const open = new Set<Connection>()
  const said: string[] = []
  const at = { open, said, opened: 0, failing: 0, answer: async (): Promise<unknown> => 'it' }
  const link = createLink({
    answerMs: 1_000,
    async open() {
      at.opened++
      const connection = {
        async send() {
          const answer = at.answer
          if (at.failing-- > 0) throw new Error('refused')
          return answer()
        },
        close: () => void open.delete(connection),
      }
      open.add(connection)
      return connection
    },
    prove: (send) => send(['PROVE']),
    onDown: () => said.push('down'),
    onUp: () => said.push('up'),
  })
  const ask = () =>
    link.ask<unknown>(
      () => link.send(['ASK']),
      () => 'otherwise',
    )
  return Object.assign(at, { link, ask })
}
type Linked = ReturnType<typeof linked>
const ALL = Number.POSITIVE_INFINITY

async function started() {
  const made = linked()
  await made.link.start()
  return made
}
/** The server of this one is gone, and found to be. */
async function gone(): Promise<Linked> {
  const made = await started()
  made.failing = ALL
  await made.ask()
  await until(async () => made.said.length > 0)
  return made
}

test('a server that misses a question and two proofs is kept, and the next question is its own again', async () => {
  const server = await started()
  server.failing = 3
  expect(await server.ask()).toBe('otherwise')
  expect(server.ask()).toBe('otherwise')
  await until(async () => (await server.ask()) === 'it')
  expect([server.said, server.open.size, server.opened]).toEqual([[], 1, 1])
  server.link.close()
})

test('one that misses three proofs is given up once, and its connection closed', async () => {
  const { ask, said, open, link } = await gone()
  expect([ask(), ask()]).toEqual(['otherwise', 'otherwise'])
  expect([said, open.size]).toEqual([['down'], 0])
  link.close()
})

test('one that opens and does not prove itself is closed each time, until one does', async () => {
  const server = linked()
  server.failing = 2
  await server.link.start()
  expect([server.said, server.open.size]).toEqual([['down'], 0])
  await until(async () => server.said.includes('up'))
  expect([server.said, server.opened, server.open.size]).toEqual([['down', 'up'], 3, 1])
  expect(await server.ask()).toBe('it')
  server.link.close()
})

test('what is closed has no connection, asks nobody and opens none again', async () => {
  const up = await started()
  up.link.close()
  expect([up.open.size, up.ask()]).toEqual([0, 'otherwise'])

  // In doubt of its connection, which then proves itself.
  const doubting = await started()
  doubting.failing = 1
  const proof = Promise.withResolvers<void>()
  doubting.answer = () => proof.promise
  expect(await doubting.ask()).toBe('otherwise')
  doubting.link.close()
  proof.resolve()
  await until(async () => doubting.open.size === 0)
  expect([doubting.said, doubting.ask()]).toEqual([[], 'otherwise'])

  // While the first connection is being proven.
  const starting = linked()
  starting.answer = () => proof.promise
  const start = starting.link.start()
  starting.link.close()
  await start
  expect([starting.open.size, starting.ask()]).toEqual([0, 'otherwise'])

  // While another is sought, for as long as one takes that goes on.
  const [seeking, control] = [await gone(), await gone()]
  seeking.link.close()
  await until(async () => control.opened > 2)
  expect(seeking.opened).toBe(1)
  control.link.close()
})
