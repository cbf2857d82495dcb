import type { Sql } from 'postgres'
import { refuse } from '../errors.ts'
import { type Place, page } from '../paging.ts'
import type { Item } from './answers.ts'

/** The tokens of one owner; another owner's token is as unknown as one that never was. */
export function ownTokens(sql: Sql) {
  const item = sql`
    t.id, t.name, s.prefix as token_prefix, t.scopes, t.allowed_ips, t.rate_limit_per_minute,
    case when t.revoked_at is not null then 'revoked'
      when s.expires_at <= clock_timestamp() then 'expired' else 'active' end as status,
    t.revoked_at is not null as is_revoked, t.created_at, s.expires_at,
    used.last_at as last_used_at, host(used.last_ip) as last_used_ip`
  const current = sql`
    tokens t join token_secrets s on s.token_id = t.id and s.superseded_at is null`
  const lastUse = sql`
    left join lateral (
      select last_at, last_ip from token_uses
      where token_id = t.id and last_at is not null order by month desc, last_at desc limit 1
    ) used on true`

  const find = async (owner: string, id: string): Promise<Item> => {
    const [found] = await sql<Item[]>`
      select ${item} from ${current} ${lastUse} where t.id = ${id} and t.user_id = ${owner}`
    if (!found) throw refuse('not_found')
    return found
  }

  return {
    find,

    async list(
      owner: string,
      {
        limit,
        status,
        after,
      }: { limit: number; status: Item['status'] | undefined; after: Place | null },
    ) {
      const filter =
        status === undefined
          ? sql``
          : status === 'revoked'
            ? sql`and t.revoked_at is not null`
            : sql`and t.revoked_at is null
                and s.expires_at ${status === 'expired' ? sql`<=` : sql`>`} clock_timestamp()`
      const place = after ? sql`and (t.created_at, t.id) < (${after.at}, ${after.id})` : sql``
      const [rows, [count]] = await Promise.all([
        sql<Item[]>`
          select ${item} from ${current} ${lastUse} where t.user_id = ${owner} ${filter} ${place}
          order by t.created_at desc, t.id desc limit ${limit + 1}`,
        sql<{ total: number }[]>`
          select count(*)::int as total from ${current} where t.user_id = ${owner} ${filter}`,
      ])
      const { rows: tokens, next_cursor } = page([...rows], limit)
      return { tokens, total: count?.total ?? 0, next_cursor }
    },

    async revoke(owner: string, id: string): Promise<string> {
      const [revoked] = await sql<{ id: string }[]>`
        update tokens set revoked_at = coalesce(revoked_at, now())
        where id = ${id} and user_id = ${owner} returning id`
      if (!revoked) throw refuse('not_found')
      return revoked.id
    },

    async allowIps(owner: string, id: string, allowedIps: string[] | null): Promise<Item> {
      await sql`
        update tokens set allowed_ips = ${allowedIps} where id = ${id} and user_id = ${owner}`
      return find(owner, id)
    },

    async limitRate(owner: string, id: string, perMinute: number | null): Promise<Item> {
      await sql`
        update tokens set rate_limit_per_minute = ${perMinute}
        where id = ${id} and user_id = ${owner}`
      return find(owner, id)
    },
  }
}
