import type { ISql, Sql } from 'postgres'
import { refuse } from '../errors.ts'

export type StorageQuota = ReturnType<typeof storageQuota>

/** How many bytes of files and of uploads under way one user may have; 0 is any number. */
export function storageQuota(sql: Sql, mostBytes: number) {
  const demand = async (tx: ISql, owner: string, bytes: number) => {
    const used = await usedBytes(tx, owner)
    if (used + bytes <= mostBytes) return
    throw refuse('too_large', `Your files and uploads may have at most ${mostBytes} bytes`, {
      data: { reason: 'storage_quota', limit_bytes: mostBytes, used_bytes: used },
    })
  }
  return {
    /** Refuses what is known to be too much before its bytes are read. Another upload may still take the room. */
    async expect(owner: string, bytes: number): Promise<void> {
      if (mostBytes > 0) await demand(sql, owner, bytes)
    },

    /** Runs what takes so much room, or refuses it with 413. Of one owner's uploads one at a time passes here. */
    async within<T>(owner: string, bytes: number, take: (sql: ISql) => Promise<T>): Promise<T> {
      if (mostBytes === 0) return take(sql)
      // postgres types a transaction's result as what awaiting it would give.
      const taken: { value?: T } = {}
      await sql.begin(async (tx) => {
        await tx`select from users where id = ${owner} for no key update`
        await demand(tx, owner, bytes)
        taken.value = await take(tx)
      })
      return taken.value as T
    },
  }
}

async function usedBytes(sql: ISql, owner: string): Promise<number> {
  const [row] = await sql<{ used: number }[]>`
    select (select coalesce(sum(size_bytes), 0) from fcs_files where owner_id = ${owner})::float8
      + (select coalesce(sum(size_bytes), 0) from uploads
         where owner_id = ${owner} and state in ('receiving', 'processing'))::float8 as used`
  return row?.used ?? 0
}
