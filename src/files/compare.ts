import type { Sql } from 'postgres'
import type { Storage } from '../storage/storage.ts'

/** Differences beyond these are of a kind that nobody reads one by one. */
const MOST = 1000
const NIL = '00000000-0000-0000-0000-000000000000'

type Difference = { id: string; row: boolean }

/**
 * The files whose bytes are not in the storage, and the bytes that belong to nothing the database knows; at most a
 * thousand of both. One walk through both, each in the order of ids. What is added and removed meanwhile is no
 * difference: each that is found is looked at again, in the order that makes it certain.
 */
export async function compare(options: { sql: Sql; storage: Storage; stop?: AbortSignal }) {
  const { sql, storage, stop } = options
  const [lost, strays]: [string[], string[]] = [[], []]

  const judge = async ({ id, row }: Difference) => {
    const there = await storage.has(id)
    if (there) {
      if (!row) strays.push(id)
      return
    }
    // Bytes come before their row and go after it. A row that is still there had none a moment ago.
    const [still] = await sql`select from fcs_files where id = ${id}`
    if (still) lost.push(id)
  }
  const within = async (ids: string[], after: string, last: string | null) => {
    const found = await sql<Difference[]>`
      select coalesce(f.id, l.id)::text as id, f.id is not null as row
      from unnest(${ids}::uuid[]) as l (id)
      full join (
        select id from fcs_files where id > ${after} and (${last}::uuid is null or id <= ${last})
      ) f on f.id = l.id
      where l.id is null
        or (f.id is null and not exists (select from fcs_leftovers o where o.id = l.id))
      limit ${MOST}`
    for (const difference of found) await judge(difference)
  }

  let after = NIL
  for await (const ids of storage.list()) {
    const last = ids.at(-1) ?? after
    if (stop?.aborted || lost.length + strays.length >= MOST) return { lost, strays }
    if ((ids[0] ?? '') <= after) throw new Error('the storage does not list in order')
    await within(ids, after, last)
    after = last
  }
  await within([], after, null)
  return { lost, strays }
}
