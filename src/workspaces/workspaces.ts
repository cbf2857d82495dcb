import type { Sql } from 'postgres'
import { refuse } from '../errors.ts'
import { type Place, page } from '../paging.ts'

export type Workspace = {
  id: string
  name: string
  description: string | null
  settings: Record<string, unknown>
  created_at: Date
  updated_at: Date
}

/** The workspaces of one owner, who is part of every statement: zero rows is "not found". */
export function ownWorkspaces(sql: Sql) {
  const columns = sql`id, name, description, settings, created_at, updated_at`
  const one = (rows: Workspace[]): Workspace => {
    const [found] = rows
    if (!found) throw refuse('not_found')
    return found
  }

  return {
    async list(owner: string, { limit, after }: { limit: number; after: Place | null }) {
      const [rows, [count]] = await Promise.all([
        sql<Workspace[]>`
          select ${columns} from workspaces where owner_id = ${owner}
          ${after ? sql`and (created_at, id) < (${after.at}, ${after.id})` : sql``}
          order by created_at desc, id desc limit ${limit + 1}`,
        sql<{ total: number }[]>`
          select count(*)::int as total from workspaces where owner_id = ${owner}`,
      ])
      const { rows: workspaces, next_cursor } = page([...rows], limit)
      return { workspaces, total: count?.total ?? 0, next_cursor }
    },

    create: async (owner: string, name: string, description: string | null) =>
      one(
        await sql<Workspace[]>`
        insert into workspaces (owner_id, name, description)
        values (${owner}, ${name}, ${description}) returning ${columns}`,
      ),

    remove: async (owner: string, id: string) =>
      one(
        await sql<Workspace[]>`
        delete from workspaces where id = ${id} and owner_id = ${owner} returning ${columns}`,
      ),

    replaceSettings: async (owner: string, id: string, settings: string) =>
      one(
        await sql<Workspace[]>`
        update workspaces set settings = ${settings}::text::jsonb, updated_at = now()
        where id = ${id} and owner_id = ${owner} returning ${columns}`,
      ),
  }
}
