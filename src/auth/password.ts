import { hash, verify } from '@node-rs/argon2'

// Argon2id is the library's default. OWASP's minimum for it (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
const PARAMETERS = {
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
}

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
