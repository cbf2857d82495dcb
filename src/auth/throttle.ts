import { createHash } from 'node:crypto'
import type { Peer } from '../plugins/client-address.ts'
import {
  type AttemptStore,
  type Hit,
  limitKey,
  memoryStore,
  noteStanding,
  tooMany,
} from '../plugins/rate-limit/index.ts'
import { Refusal } from '../plugins/refusal.ts'

/** Where failures are counted. `login`: of one account from one address. */
export type AttemptLimits = Record<'login' | 'account' | 'address' | 'registration', AttemptStore>

/** How many attempts of each kind may fail in a quarter of an hour. */
const MOST = { login: 10, account: 30, address: 100, registration: 50 }
const WINDOW_SECONDS = 900

/** `now` is in milliseconds. */
export function memoryAttempts(now: () => number): AttemptLimits {
  const store = (limit: number) => memoryStore({ limit, windowSeconds: WINDOW_SECONDS, now })
  return {
    login: store(MOST.login),
    account: store(MOST.account),
    address: store(MOST.address),
    registration: store(MOST.registration),
  }
}

/**
 * What the answer's `RateLimit` fields call the counts that a client is told of. Not that of an account from anywhere: it
 * would tell a stranger what others do to the account, and whether its owner has logged in where the stranger is.
 */
const SHOWN: Partial<Record<keyof AttemptLimits, string>> = {
  login: 'login',
  address: 'login-address',
  registration: 'registration',
}

export type Throttle = ReturnType<typeof createThrottle>

/**
 * Limits attempts that fail: those that are refused with a 4xx. Each is counted before it is made, so that a thousand at once
 * are no way around, and costs nothing when it is one too many. What succeeds, and what the service itself
 * fails at, is taken back. An account is a name that somebody gives, known or not.
 */
export function createThrottle(stores: AttemptLimits, address: Peer) {
  const familiar = createFamiliar()
  const inTurn = createTurns()
  const siteOf = (request: Request) => limitKey(address(request))
  const pairOf = (name: string, request: Request) => digest(`${siteOf(request)} ${name}`)

  const counted = async <T>(
    request: Request,
    counts: readonly Count[],
    attempt: () => Promise<T>,
  ): Promise<T> => {
    const made: [Count, Hit][] = []
    const say = ({ kind }: Count, hit: Hit) => {
      const name = SHOWN[kind]
      if (name)
        noteStanding(request, { name, limit: MOST[kind], windowSeconds: WINDOW_SECONDS, hit })
    }
    const keep = () => {
      for (const [count, hit] of made) say(count, hit)
    }
    const takeBack = async () => {
      await Promise.all(made.map(([{ kind, key }]) => stores[kind].takeBack(key)))
      for (const [count, hit] of made) say(count, { ...hit, remaining: hit.remaining + 1 })
    }
    for (const count of counts) {
      const hit = await stores[count.kind].hit(count.key)
      if (hit.allowed) made.push([count, hit])
      else if (count.binds) {
        await takeBack()
        say(count, hit)
        throw tooMany(hit.resetSeconds, 'Too many failed attempts')
      }
    }
    try {
      const result = await attempt()
      await takeBack()
      return result
    } catch (error) {
      if (error instanceof Refusal && error.status < 500) keep()
      else await takeBack()
      throw error
    }
  }

  return {
    /** An attempt to show the password of an account. */
    password<T>(name: string, request: Request, attempt: () => Promise<T>): Promise<T> {
      const pair = pairOf(name, request)
      return inTurn(pair, () => {
        const counts: Count[] = [
          { kind: 'login', key: pair, binds: true },
          { kind: 'account', key: digest(name), binds: !familiar.has(pair) },
          { kind: 'address', key: siteOf(request), binds: true },
        ]
        return counted(request, counts, attempt)
      })
    },

    /** Somebody has shown the password of an account there: strangers elsewhere can't keep them out any more. */
    recognise(names: readonly string[], request: Request): void {
      for (const name of names) familiar.add(pairOf(name, request))
    },

    /** An attempt to register, which a name that is taken refuses: each tells that somebody is known here. */
    registration<T>(request: Request, attempt: () => Promise<T>): Promise<T> {
      const key = siteOf(request)
      const count: Count = { kind: 'registration', key, binds: true }
      return inTurn(`register ${key}`, () => counted(request, [count], attempt))
    },
  }
}

/** `binds`: whether a full count refuses the attempt. */
type Count = { kind: keyof AttemptLimits; key: string; binds: boolean }

/** Work of one key, one piece after the other: twenty that will succeed are else counted as twenty that may not. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>()
  return <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work)
    last.set(key, turn)
    const done = () => {
      if (last.get(key) === turn) last.delete(key)
    }
    turn.then(done, done)
    return turn
  }
}

const MOST_FAMILIAR = 100_000

/** Accounts and addresses that belong together, the latest of them. As long-lived as the counts, which are in memory too. */
function createFamiliar() {
  const pairs = new Set<string>()
  return {
    has: (pair: string) => pairs.has(pair),
    add(pair: string): void {
      pairs.delete(pair)
      pairs.add(pair)
      const [oldest] = pairs
      if (pairs.size > MOST_FAMILIAR && oldest !== undefined) pairs.delete(oldest)
    },
  }
}

/** Short whatever was given, and nothing to read: people type passwords where names belong. */
const digest = (text: string) => createHash('sha256').update(text).digest('base64url')
