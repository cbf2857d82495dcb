import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { exists, type Place } from './place.ts'
import { childOptions, output } from './process.ts'

const unfinished = '.init-'

export const clusterOf = (folder: string): string => join(folder, 'cluster')
export const passwordOf = (folder: string): string => join(folder, 'password')

/**
 * Makes the cluster and its password (mode 0600) in a folder of its own and renames that: a start
 * broken off on the way leaves nothing that a later one could mistake for a database.
 */
export async function initOnce({ bin, folder, account }: Place): Promise<void> {
  if (await exists(folder)) return
  const partial = await mkdtemp(folder + unfinished)
  const password = passwordOf(partial)
  await writeFile(password, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 })
  if (account) await chown(partial, account.uid, account.gid)
  if (account) await chown(password, account.uid, account.gid)
  try {
    await initdb(bin, partial, account)
    await rename(partial, folder)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    // Another process may have been first; who may use the cluster is decided when it is started.
    if (!(await exists(folder))) throw error
  }
}

async function initdb(bin: string, folder: string, account: Place['account']): Promise<void> {
  const flags = [
    `--pgdata=${clusterOf(folder)}`,
    `--pwfile=${passwordOf(folder)}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own C.UTF-8: the same order on every machine, whatever locales it has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ]
  const child = spawn(join(bin, 'initdb'), flags, childOptions(folder, account))
  const { lines, ended } = output(child)
  const how = await ended
  if (how !== 'code 0') throw new Error(`initdb failed (${how}): ${lines.join(' | ')}`)
}

/**
 * Removes what broken-off starts left beside the cluster, once there is one. Where another process
 * is still at it, it stays for the next time.
 */
export async function sweep(folder: string): Promise<void> {
  const prefix = basename(folder) + unfinished
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(prefix)) continue
    await rm(join(dirname(folder), name), { recursive: true }).catch(() => undefined)
  }
}
