import { randomBytes, randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from './config.ts'

/**
 * The key that signs JWTs, made once and kept in `dataDir` (mode 0600). It appears there whole or not at all,
 * also when several instances start at once. Throws when what is kept there is no key.
 */
export async function keptSecretKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret-key')
  const fresh = `${path}.${randomUUID()}`
  await writeFile(fresh, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  try {
    await link(fresh, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(fresh)
  }
  const key = (await readFile(path, 'utf8')).trim()
  if (key.length >= 32) return key
  throw new ConfigError(`${path} holds no key: restore it, or remove it to end every login`)
}
