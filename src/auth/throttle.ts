import { createHmac, hkdfSync } from 'node:crypto'
import type { Limits } from '../limits.ts'
import { type AttemptStore, type Hit, limitKey, tooMany } from '../plugins/rate-limit/index.ts'
import { Refusal } from '../plugins/refusal.ts'

/** How many attempts of each kind may fail in a quarter of an hour. `login`: of one account from one address. */
const MOST = { login: 10, account: 30, address: 100, registration: 50 }
const WINDOW_SECONDS = 900

export type Throttle = ReturnType<typeof createThrottle>

/**
 * Limits attempts that fail: those that are refused with a 4xx. Each is counted before it is made, so that a thousand at once
 * are no way around, and costs nothing when it is one too many. What succeeds, and what the service itself
 * fails at, is taken back. An account is a name that somebody gives, known or not. Names are counted by a digest with a
 * key that is derived from `secretKey`: people type passwords where names belong, and counts may be kept elsewhere.
 */
export function createThrottle(limits: Limits, secretKey: string) {
  const store = (kind: keyof typeof MOST) =>
    limits.store(`failed-${kind}`, { limit: MOST[kind], windowSeconds: WINDOW_SECONDS })
  const login = store('login')
  const account = store('account')
  const address = store('address')
  const registration = store('registration')
  // Accounts and addresses that belong together.
  const familiar = limits.recent('familiar')
  const inTurn = createTurns()
  const digest = digestWith(secretKey)
  const pairOf = (name: string, from: string | null) => digest(`${limitKey(from)} ${name}`)

  return {
    /** An attempt to show the password of an account. */
    password<T>(name: string, from: string | null, attempt: () => Promise<T>): Promise<T> {
      const pair = pairOf(name, from)
      return inTurn(pair, () => {
        const counts = [
          { store: login, key: pair },
          { store: account, key: digest(name), spares: () => familiar.has(pair) },
          { store: address, key: limitKey(from) },
        ]
        return counted(counts, attempt)
      })
    },

    /** Somebody has shown the password of an account there: strangers elsewhere can't keep them out any more. */
    async recognise(names: readonly string[], from: string | null): Promise<void> {
      await Promise.all(names.map((name) => familiar.add(pairOf(name, from))))
    },

    /** An attempt to register, which a name that is taken refuses: each tells that somebody is known here. */
    registration<T>(from: string | null, attempt: () => Promise<T>): Promise<T> {
      const count = { store: registration, key: limitKey(from) }
      return inTurn(`register ${count.key}`, () => counted([count], attempt))
    },
  }
}

/** `spares`: whether a full count lets the attempt be made all the same. */
type Count = { store: AttemptStore; key: string; spares?: () => boolean | Promise<boolean> }

async function counted<T>(counts: readonly Count[], attempt: () => Promise<T>): Promise<T> {
  const made: (Count & { hit: Hit })[] = []
  const takeBack = () => Promise.all(made.map(({ store, key, hit }) => store.takeBack(key, hit)))
  for (const count of counts) {
    const hit = await count.store.hit(count.key)
    if (hit.allowed) made.push({ ...count, hit })
    else if (!(await count.spares?.())) {
      await takeBack()
      throw tooMany(hit.resetSeconds, 'Too many failed attempts')
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

/** Short whatever was given, and nothing to read or to guess for who does not have the key. */
function digestWith(secretKey: string) {
  const key = new Uint8Array(hkdfSync('sha256', secretKey, '', 'names in counts of attempts', 32))
  return (text: string) => createHmac('sha256', key).update(text).digest('base64url')
}
