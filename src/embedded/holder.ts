import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import { clusterOf } from './init.ts'

/** The connection by which a server's owner shows that it lives; it ends with the process. */
const holderName = 'holder of the embedded database'

/** SQLSTATE of a server that is not this one: the port has been given to another since. */
const wrongPassword = '28P01'

export const urlOf = (port: number, password: string): string =>
  `postgres://postgres:${password}@127.0.0.1:${port}/postgres`

/** Marks the running server as ours for as long as this process lives. */
export async function hold(url: string): Promise<{ release(): Promise<void> }> {
  let released = false
  const sql = postgres(url, {
    max: 1,
    max_lifetime: null,
    onnotice: () => undefined,
    connection: { application_name: holderName },
    // One crashed backend makes the server close every connection: come back.
    onclose: () => {
      if (!released) void sql`select`.catch(() => undefined)
    },
  })
  const release = () => {
    released = true
    return sql.end({ timeout: 1 })
  }
  try {
    await sql`select`
    return { release }
  } catch (error) {
    await release()
    throw error
  }
}

/**
 * Makes way for a new server in `folder`: stops one whose owner was killed, and disowns a pid
 * file whose number now belongs to some other program (in a container, soon).
 * Throws when the owner lives.
 */
export async function settle(folder: string, password: string): Promise<void> {
  const start = Date.now()
  let orphanedSince = Number.POSITIVE_INFINITY
  for (;;) {
    const found = await readPostmaster(folder)
    // PostgreSQL itself replaces the file of a process that is gone.
    if (!found || !alive(found.pid)) return
    const answer = await ask(urlOf(found.port, password))
    const now = Date.now()
    if (answer === 'held') {
      throw new Error(`the embedded database in ${folder} is in use by another process`)
    }
    // A server listens within moments of writing the file, and until just before it removes it.
    if (answer === 'stranger' && now - start > 1_000) return disown(folder)
    // The owner marks its server a moment after that is ready.
    orphanedSince = answer === 'orphaned' ? Math.min(orphanedSince, now) : Number.POSITIVE_INFINITY
    if (now - orphanedSince > 500) process.kill(found.pid, 'SIGINT')
    if (now - start > 15_000) {
      throw new Error(`PostgreSQL (pid ${found.pid}) in ${folder} does not end`)
    }
    await delay(100)
  }
}

const pidFileOf = (folder: string): string => join(clusterOf(folder), 'postmaster.pid')

async function readPostmaster(folder: string): Promise<{ pid: number; port: number } | undefined> {
  const text = await readFile(pidFileOf(folder), 'utf8').catch(() => '')
  // pid, data directory, start time, port, …
  const [pid, , , port] = text.split('\n').map(Number)
  return pid && port ? { pid, port } : undefined
}

/**
 * PostgreSQL takes a file with its parent's pid for a stale one, but still makes sure that no
 * backend of the former server lives, which it couldn't with the file removed.
 */
async function disown(folder: string): Promise<void> {
  const text = await readFile(pidFileOf(folder), 'utf8')
  await writeFile(pidFileOf(folder), text.replace(/^\d+/, String(process.pid)))
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

type Answer = 'held' | 'orphaned' | 'stranger' | 'unclear'

/** Only our own server knows the password, so what answers the query may be stopped. */
async function ask(url: string): Promise<Answer> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => undefined })
  try {
    const holders = await sql`
      select from pg_stat_activity where application_name = ${holderName}`
    return holders.length > 0 ? 'held' : 'orphaned'
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ECONNREFUSED' || code === wrongPassword ? 'stranger' : 'unclear'
  } finally {
    await sql.end({ timeout: 0 })
  }
}
