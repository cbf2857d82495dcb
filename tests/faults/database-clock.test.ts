import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createLog } from '../../src/log.ts'
import { createQueue } from '../../src/uploads/queue.ts'
import { type TestApp, type Token, testApp, type User } from '../kit/app.ts'
import { client } from '../kit/client.ts'
import { connectService } from '../kit/postgres.ts'
import { folders, until } from '../kit/service.ts'
import { slowReads } from '../revocation/slow-reads.ts'
import { program } from './program.ts'
import { HAS_FAKETIME, HOUR_SECONDS } from './stepped-clock.ts'
import { type SteppedDatabase, steppedDatabase } from './stepped-database.ts'

setDefaultTimeout(60_000)

const CLIENTS = 8
/** Where the clock goes, in hours from the right time. */
const HOURS = [0, 1, 0, -1, 0]
const ME = '/api/v1/users/me'
const TOKENS = '/api/v1/tokens'
/** A path that is nowhere. */
const STEP = '/api/v1/step/'

const log = createLog('warn', () => {})
const made = folders()

describe.skipIf(!HAS_FAKETIME)('the clock of the database is stepped by an hour:', () => {
  let database: SteppedDatabase
  let instances: [Instance, Instance]
  beforeAll(async () => {
    database = await steppedDatabase(made)
    instances = [await instance(database.url), await instance(database.url)]
  })
  afterAll(async () => {
    for (const { close } of instances) await close()
    await database.stop()
    await made.remove()
  })
  const step = (hours: number) => database.step(hours * HOUR_SECONDS)
  /** From now on the clock of the database. */
  const endIn = (id: string, minutes: number) =>
    database.sql`update token_secrets set expires_at = now() + make_interval(mins => ${minutes}) where token_id = ${id}`

  test('under load nothing fails and nothing is lost, and the log keeps its order', async () => {
    const service = await program(database.url)
    const { load } = service
    const call = client(service.process().url)
    const clients = load.start(CLIENTS)
    const steps: string[] = []
    for (const [at, hours] of HOURS.entries()) {
      await step(hours)
      steps.push(`${STEP}${at}`)
      await load.send('GET', `${STEP}${at}`)
      await clients.succeeds(4 * CLIENTS)
      // A login ends by the clock of the service.
      expect((await call('GET', TOKENS, { bearer: load.jwt })).status).toBe(200)
    }
    await clients.stop()
    const failed = load.seen.filter(({ status }) => ![200, 201, 404].includes(status))
    expect(failed).toEqual([])
    await service.expectNothingLost()

    const log: string[] = []
    for (let cursor = ''; ; ) {
      const path = `${TOKENS}/${load.tokenId}/logs?limit=200${cursor && `&cursor=${cursor}`}`
      const { data } = (await call('GET', path, { bearer: load.jwt })).body
      log.push(...data.logs.map((row: { endpoint: string }) => row.endpoint))
      cursor = data.next_cursor ?? ''
      if (!cursor) break
    }
    expect(log.length).toBe(load.seen.length)
    expect(log.filter((endpoint) => endpoint.startsWith(STEP)).reverse()).toEqual(steps)
    await service.end()
  })

  test('a token ends by it and lives again, what was taken away stays away, on every instance, and it is remembered again', async () => {
    const [{ app }, other] = instances
    const user = await app.user()
    const token = () => app.token(user, ['users:read'])
    const manage = async (method: string, path: string, json?: unknown) => {
      const answer = await app.call(method, `${TOKENS}/${path}`, { bearer: user.jwt, json })
      expect(answer.status).toBe(200)
      return answer.body.data
    }
    const replace = ({ id }: Token, grace_seconds = 0): Promise<Token> =>
      manage('POST', `${id}/regenerate`, { grace_seconds })
    const [soon, over, old] = [await token(), await token(), await token()]
    await endIn(soon.id, 30)
    await endIn(over.id, -30)
    // Its grace is over when the clock is an hour ahead.
    const current = await replace(old, HOUR_SECONDS / 2)
    const taken: { token: string; how: string }[] = []
    const ended: string[] = []

    for (const hours of HOURS) {
      const [revoked, replaced, graced] = [await token(), await token(), await token()]
      for (const one of instances) {
        await one.warm(revoked.token)
        await one.warm(replaced.token)
      }
      await Promise.all([step(hours), manage('DELETE', revoked.id)])
      taken.push({ ...revoked, how: `revoked at ${hours}` })
      expect(await accepted(taken)).toEqual([])
      await replace(replaced)
      taken.push({ ...replaced, how: `replaced at ${hours}` })
      expect(await accepted(taken)).toEqual([])
      await replace(graced, HOUR_SECONDS * 2)
      expect((await app.call('POST', '/oauth/revoke', form(graced.token))).status).toBe(200)
      taken.push({ ...graced, how: `given back in its grace at ${hours}` })
      if (hours === 1) {
        await replace(current)
        taken.push({ ...current, how: 'replaced' }, { ...old, how: 'replaced, and its grace over' })
      }

      const session = await sessionOf(app, user)
      await app.call('POST', '/api/v1/auth/logout', { bearer: session })
      ended.push(session)
      for (const bearer of ended) {
        expect((await other.app.call('GET', TOKENS, { bearer })).status).toBe(401)
      }

      const expected = { soon: hours === 1 ? 401 : 200, over: hours === -1 ? 200 : 401 }
      for (const one of instances) {
        const found = async () => ({
          soon: await one.status(soon.token),
          over: await one.status(over.token),
        })
        // From memory, and by the clock as it is: what was asked of it last is used for as long as a lease.
        await until(async () => {
          let isRight = false
          const reads = await one.reads(async () => {
            isRight = Bun.deepEquals(await found(), expected)
          })
          return isRight && reads === 0
        })
      }
      expect(await accepted(taken)).toEqual([])
    }
  })

  test('who gives back what looks over, by a clock that is ahead, has it refused for good', async () => {
    const [{ app }] = instances
    const user = await app.user()
    const [soon, old] = [
      await app.token(user, ['users:read']),
      await app.token(user, ['users:read']),
    ]
    await endIn(soon.id, 30)
    const json = { grace_seconds: HOUR_SECONDS / 2 }
    await app.call('POST', `${TOKENS}/${old.id}/regenerate`, { bearer: user.jwt, json })
    await step(1)
    for (const { token } of [soon, old]) {
      expect((await app.call('POST', '/oauth/revoke', form(token))).status).toBe(200)
    }
    await step(0)
    const taken = [soon, old].map(({ token }, at) => ({ token, how: String(at) }))
    expect(await accepted(taken)).toEqual([])
  })

  test('a logout holds, though the clock was days ahead meanwhile', async () => {
    const [{ app }, other] = instances
    const user = await app.user()
    const bearer = await sessionOf(app, user)
    const logOut = (bearer: string) => app.call('POST', '/api/v1/auth/logout', { bearer })
    expect((await logOut(bearer)).status).toBe(200)
    await step(72)
    expect((await logOut(await sessionOf(other.app, user))).status).toBe(200)
    await step(0)
    for (const { app } of instances) {
      expect((await app.call('GET', TOKENS, { bearer })).status).toBe(401)
    }
  })

  /** Which of these any instance accepts. */
  const accepted = async (tokens: { token: string; how: string }[]) => {
    const found: string[] = []
    for (const { token, how } of tokens) {
      for (const { status } of instances) if ((await status(token)) !== 401) found.push(how)
    }
    return found
  }
})

type Instance = Awaited<ReturnType<typeof instance>>

/** The app on this database, and how often it reads a token from it. */
async function instance(url: string) {
  const { sql: pool } = connectService(url)
  const slow = slowReads(pool)
  const app = await testApp({ sql: slow.pool, queue: await createQueue(pool, log) })
  const status = async (bearer: string) => (await app.call('GET', ME, { bearer })).status
  const reads = async (work: () => Promise<unknown>) => {
    const before = slow.state.reads
    await work()
    return slow.state.reads - before
  }
  return {
    app,
    status,
    reads,
    /** Uses a token until it is remembered. */
    warm: (token: string) => until(async () => (await reads(() => status(token))) === 0),
    async close() {
      await app.close()
      await pool.end()
    },
  }
}

async function sessionOf(app: TestApp, { username, password }: User): Promise<string> {
  const login = await app.call('POST', '/api/v1/auth/login', { json: { username, password } })
  return login.body.data.access_token
}

const form = (token: string) => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: `token=${token}`,
})
