// What has to be true when a soak is over, and what is watched while it runs.
import { readdir } from 'node:fs/promises'
import type { Sql } from 'postgres'
import { rssMegabytes } from '../../bench/http-load.ts'
import { loadConfig } from '../../src/config.ts'
import { connect } from '../../src/db.ts'
import { compare } from '../../src/files/compare.ts'
import { sweep } from '../../src/files/sweep.ts'
import { createLog } from '../../src/log.ts'
import { openStorage } from '../../src/storage/open.ts'
import type { Cluster } from '../../tests/kit/cluster.ts'
import type { Ledger } from './ledger.ts'
import { download, type Load } from './load.ts'

export type Sample = { rssMb: number; handles: number; connections: number }

/** The largest instance's memory and open handles, and all connections to the database but this one. */
export async function sample(cluster: Cluster, sql: Sql): Promise<Sample> {
  const pids = cluster.instances.map(({ pid }) => pid)
  const rss = await Promise.all(pids.map(rssMegabytes))
  const handles = await Promise.all(
    pids.map(async (pid) => (await readdir(`/proc/${pid}/fd`)).length),
  )
  const [row] = await sql<{ connections: number }[]>`
    select count(*)::int as connections from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()`
  return {
    rssMb: Math.round(Math.max(...rss)),
    handles: Math.max(...handles),
    connections: row?.connections ?? Number.NaN,
  }
}

/**
 * Whether the last third is no larger than the one before it, but for a fifth that comes and goes. In the first one programs
 * grow to their size; and a few minutes say nothing.
 */
export function isFlat(samples: readonly Sample[]): boolean {
  const third = Math.floor(samples.length / 3)
  if (third < 2) return true
  return (['rssMb', 'handles', 'connections'] as const).every((figure) => {
    const most = (part: readonly Sample[]) => Math.max(...part.map((each) => each[figure]))
    return most(samples.slice(-third)) <= most(samples.slice(-2 * third, -third)) * 1.2 + 5
  })
}

/** How many answers that a client saw have no row of their address and status. */
export async function withoutRow(sql: Sql, { answered }: Ledger): Promise<number> {
  const { addresses, statuses } = answered
  const [row] = await sql<{ missing: number }[]>`
    select count(*)::int as missing
    from unnest(string_to_array(${addresses.join()}, ',')::inet[], string_to_array(${statuses.join()}, ',')::int[])
      as seen (ip, status)
    where not exists (
      select from audit_log where audit_log.ip = seen.ip and audit_log.status_code = seen.status)`
  return row?.missing ?? Number.NaN
}

/** How many files that were answered 201, and not deleted, are not what was uploaded. */
export async function brokenFiles(load: Load): Promise<number> {
  let broken = 0
  for (const [id, sha] of load.ledger.files) {
    if (!(await download(load, id, sha))) broken++
  }
  return broken
}

/**
 * What a sweep leaves that is not in order: rows without bytes, bytes without a row, and what uploads have left. It sweeps
 * as the instances do, which have ended, but at once.
 */
export async function orphans(env: Record<string, string>): Promise<string[]> {
  const config = loadConfig(env)
  const log = createLog('warn')
  const { sql } = connect(config.DATABASE_URL ?? '')
  try {
    const storage = await openStorage(config, log, 'files')
    await storage.tidy(0)
    await sweep({ sql, storage, log, graceSeconds: 0 })
    const { lost, strays } = await compare({ sql, storage })
    const left = await sql<{ id: string }[]>`select id from fcs_leftovers`
    return [...lost, ...strays, ...left.map(({ id }) => id)]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** Of these keys, those of uploads in pieces that the database does not know. */
export async function straysInPieces(sql: Sql, keys: readonly string[]): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from uploads`
  const known = new Set(rows.map(({ id }) => id))
  return keys.filter((key) => {
    const [folder, id = ''] = key.split('/')
    return folder === 'uploads' && !known.has(id)
  })
}
