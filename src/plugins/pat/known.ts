import type { Sql } from 'postgres'
import { type Block, parseBlocks } from '../address.ts'
import { answered } from '../deadline.ts'
import { hashOf } from './secret.ts'

/** Who calls, by a token that is known, live and used from an allowed address. */
export type Principal = {
  tokenId: string
  userId: string
  scopes: readonly string[]
  /** When the string that was presented ends: with its expiry, or with its grace. */
  expiresAt: Date
}

/** A string that was handed out for a token: everything that a check needs. Instants are in milliseconds. */
export type Known = {
  principal: Principal
  revoked: boolean
  /** When its grace ends, for a string that was replaced. */
  supersededAt: number
  expiresAt: number
  ownerActive: boolean
  /** Null allows every address. */
  allowed: readonly Block[] | null
  /** Null for a token without a limit of its own. */
  perMinute: number | null
}

export type Standing = 'revoked' | 'expired' | 'live'

type Row = {
  tokenId: string
  userId: string
  scopes: string[]
  revoked: boolean
  superseded_at: Date | null
  expires_at: Date
  owner_active: boolean
  allowed_ips: string[] | null
  per_minute: number | null
  now: Date
}

/** Reads what there is to know of a string by its key, and the database's clock at that instant. */
export async function readKnown(
  sql: Sql,
  key: string,
): Promise<{ known: Known; at: number } | null> {
  const [row] = await answered(sql<Row[]>`
    select t.id as "tokenId", t.user_id as "userId", t.scopes, t.revoked_at is not null as revoked,
      s.superseded_at, s.expires_at, u.is_active as owner_active, t.allowed_ips::cidr[]::text[] as allowed_ips,
      t.rate_limit_per_minute as per_minute, clock_timestamp() as now
    from token_secrets s
    join tokens t on t.id = s.token_id
    join users u on u.id = t.user_id
    where s.hash = ${hashOf(key)}`)
  if (!row) return null
  const { tokenId, userId, scopes, superseded_at: superseded, expires_at: expires } = row
  const expiresAt = superseded && superseded < expires ? superseded : expires
  return {
    at: row.now.getTime(),
    known: {
      principal: { tokenId, userId, scopes, expiresAt },
      revoked: row.revoked,
      supersededAt: superseded?.getTime() ?? Number.POSITIVE_INFINITY,
      expiresAt: expires.getTime(),
      ownerActive: row.owner_active,
      allowed: row.allowed_ips && parseBlocks(row.allowed_ips),
      perMinute: row.per_minute,
    },
  }
}

/**
 * How a string stands when the database's clock is somewhere from `earliest` to `latest`. Null when that range does
 * not decide it: only the database can say then.
 */
export function standing(known: Known, earliest: number, latest: number): Standing | null {
  if (known.revoked || earliest >= known.supersededAt) return 'revoked'
  if (latest >= known.supersededAt) return null
  if (earliest >= known.expiresAt) return 'expired'
  return latest >= known.expiresAt ? null : 'live'
}
