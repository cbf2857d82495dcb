import { createHmac, hkdfSync } from 'node:crypto'
import type { Limits } from '../limits.ts'
import type { Peer } from '../plugins/client-address.ts'
import {
  type AttemptStore,
  type Hit,
  limitKey,
  noteStanding,
  tooMany,
} from '../plugins/rate-limit/index.ts'
import { Refusal } from '../plugins/refusal.ts'

/** How many attempts of each kind may fail in a quarter of an hour. `login`: of one account from one address. */
const MOST = { login: 10, account: 30, address: 100, registration: 50 }
const WINDOW_SECONDS = 900

type Kind = keyof typeof MOST

/**
 * What the answer's `RateLimit` fields call the counts that a client is told of. Not that of an account from anywhere: it
 * would tell a stranger what others do to the account, and whether its owner has logged in where the stranger is.
 */
const SHOWN: Partial<Record<Kind, string>> = {
  login: 'login',
  address: 'login-address',
  registration: 'registration',
}

export type Throttle = ReturnType<typeof createThrottle>

/**
 * Limits attempts that fail: those that are refused with a 4xx. Each is counted before it is made, so that a thousand at once
 * are no way around, and costs nothing when it is one too many. What succeeds, and what the service itself
 * fails at, is taken back. An account is a name that somebody gives, known or not. Names are counted by a digest with a
 * key that is derived from `secretKey`: people type passwords where names belong, and counts may be kept elsewhere.
 */
export function createThrottle(limits: Limits, secretKey: string, address: Peer) {
  const store = (kind: Kind) =>
    limits.store(`failed-${kind}`, { limit: MOST[kind], windowSeconds: WINDOW_SECONDS })
  const stores: Record<Kind, AttemptStore> = {
    login: store('login'),
    account: store('account'),
    address: store('address'),
    registration: store('registration'),
  }
  // Accounts and addresses that belong together.
  const familiar = limits.recent('familiar')
  const inTurn = createTurns()
  const digest = digestWith(secretKey)
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
      await Promise.all(made.map(([{ kind, key }, hit]) => stores[kind].takeBack(key, hit)))
      for (const [count, hit] of made) say(count, { ...hit, remaining: hit.remaining + 1 })
    }
    for (const count of counts) {
      const hit = await stores[count.kind].hit(count.key)
      if (hit.allowed) made.push([count, hit])
      else if (!(await count.spares?.())) {
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
          { kind: 'login', key: pair },
          { kind: 'account', key: digest(name), spares: () => familiar.has(pair) },
          { kind: 'address', key: siteOf(request) },
        ]
        return counted(request, counts, attempt)
      })
    },

    /** Somebody has shown the password of an account there: strangers elsewhere can't keep them out any more. */
    async recognise(names: readonly string[], request: Request): Promise<void> {
      await Promise.all(names.map((name) => familiar.add(pairOf(name, request))))
    },

    /** An attempt to register, which a name that is taken refuses: each tells that somebody is known here. */
    registration<T>(request: Request, attempt: () => Promise<T>): Promise<T> {
      const count: Count = { kind: 'registration', key: siteOf(request) }
      return inTurn(`register ${count.key}`, () => counted(request, [count], attempt))
    },
  }
}

/** `spares`: whether a full count lets the attempt be made all the same. */
type Count = { kind: Kind; key: string; spares?: () => boolean | Promise<boolean> }

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
