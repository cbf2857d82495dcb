import { createHash } from 'node:crypto'
import { type AttemptStore, limitKey, memoryStore, tooMany } from '../plugins/rate-limit/index.ts'
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

export type Throttle = ReturnType<typeof createThrottle>

/**
 * Limits attempts that fail: those that are refused with a 4xx. Each is counted before it is made, so that a thousand at once
 * are no way around, and costs nothing when it is one too many. What succeeds, and what the service itself
 * fails at, is taken back. An account is a name that somebody gives, known or not.
 */
export function createThrottle({ login, account, address, registration }: AttemptLimits) {
  const familiar = createFamiliar()
  const inTurn = createTurns()
  const pairOf = (name: string, from: string | null) => digest(`${limitKey(from)} ${name}`)

  return {
    /** An attempt to show the password of an account. */
    password<T>(name: string, from: string | null, attempt: () => Promise<T>): Promise<T> {
      const pair = pairOf(name, from)
      return inTurn(pair, () => {
        const counts = [
          { store: login, key: pair, binds: true },
          { store: account, key: digest(name), binds: !familiar.has(pair) },
          { store: address, key: limitKey(from), binds: true },
        ]
        return counted(counts, attempt)
      })
    },

    /** Somebody has shown the password of an account there: strangers elsewhere can't keep them out any more. */
    recognise(names: readonly string[], from: string | null): void {
      for (const name of names) familiar.add(pairOf(name, from))
    },

    /** An attempt to register, which a name that is taken refuses: each tells that somebody is known here. */
    registration<T>(from: string | null, attempt: () => Promise<T>): Promise<T> {
      const count = { store: registration, key: limitKey(from), binds: true }
      return inTurn(`register ${count.key}`, () => counted([count], attempt))
    },
  }
}

/** `binds`: whether a full count refuses the attempt. */
type Count = { store: AttemptStore; key: string; binds: boolean }

async function counted<T>(counts: readonly Count[], attempt: () => Promise<T>): Promise<T> {
  const made: Count[] = []
  const takeBack = () => Promise.all(made.map(({ store, key }) => store.takeBack(key)))
  for (const count of counts) {
    const { allowed, resetSeconds } = await count.store.hit(count.key)
    if (allowed) made.push(count)
    else if (count.binds) {
      await takeBack()
      throw tooMany(resetSeconds, 'Too many failed attempts')
    }
  }
  try {
    const result = await attempt()
    await takeBack()
    return result
  } catch (error) {
    if (!(error instanceof Refusal && error.status < 500)) await takeBack()
    throw error
  }
}

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
