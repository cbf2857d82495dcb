import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { bounded } from './bounded.ts'

// Argon2id is the library's default. OWASP's minimum for it (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
const PARAMETERS = {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
}

const { memoryCost, timeCost, parallelism } = PARAMETERS
const CURRENT = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`

// A hash keeps a core busy for some 20 ms and 19 MiB of memory: more at once would not be faster, and who is the last
// to wait still does so for a second or two.
const BOUNDS = { concurrent: availableParallelism(), waiting: 128 }

export type Passwords = ReturnType<typeof createPasswords>

/** Hashing, a few at a time. Beyond its bounds it refuses with 503. */
export function createPasswords(bounds: { concurrent: number; waiting: number } = BOUNDS) {
  const inTurn = bounded(bounds)

  /** The PHC string of a password of any length: nothing of it is cut off. */
  const hashed = (password: string): Promise<string> =>
    inTurn(() => hash(new TextEncoder().encode(password), PARAMETERS))

  // Verified for unknown users, so that the time of an answer does not tell who exists.
  const standIn = hashed(crypto.randomUUID())

  return {
    hash: hashed,

    /** Whether the password is right. Without a hash it works as long, and says no. */
    async matches(stored: string | undefined, password: string): Promise<boolean> {
      const against = stored ?? (await standIn)
      const right = await inTurn(() => verify(against, new TextEncoder().encode(password)))
      return stored !== undefined && right
    },

    /** Whether a hash was made with other parameters than today's, so that its password wants hashing anew. */
    isOutdated: (stored: string) => !stored.startsWith(CURRENT),
  }
}
