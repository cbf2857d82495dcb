import { hash, verify } from '@node-rs/argon2'

// Argon2id is the library's default. OWASP's minimum for it (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
const PARAMETERS = {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
}

const { memoryCost, timeCost, parallelism } = PARAMETERS
const CURRENT = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`

/** Whether a hash was made with other parameters than today's, so that its password wants hashing anew. */
export const isOutdated = (stored: string) => !stored.startsWith(CURRENT)

/** The PHC string of a password of any length: nothing of it is cut off. */
export function hashPassword(password: string): Promise<string> {
  return hash(new TextEncoder().encode(password), PARAMETERS)
}

/** Whether the password is right. Without a hash it works as long, and says no. */
export async function passwordMatches(
  stored: string | undefined,
  password: string,
): Promise<boolean> {
  const right = await verify(stored ?? (await standIn), new TextEncoder().encode(password))
  return stored !== undefined && right
}

// Verified for unknown users, so that the time of an answer does not tell who exists.
const standIn = hashPassword(crypto.randomUUID())
