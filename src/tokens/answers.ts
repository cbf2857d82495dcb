import { z } from 'zod'
import { SCOPES } from '../scopes.ts'

const scopes = z.array(z.enum(SCOPES))
const allowed_ips = z.array(z.string()).nullable()
const rate_limit_per_minute = z.int().nullable()

export const Issued = z.object({
  id: z.uuid(),
  name: z.string(),
  token: z.string().describe('The whole token. It is shown here and never again'),
  token_prefix: z.string(),
  scopes,
  allowed_ips,
  rate_limit_per_minute,
  created_at: z.date(),
  expires_at: z.date(),
})

export const Item = z.object({
  id: z.uuid(),
  name: z.string(),
  token_prefix: z.string(),
  scopes,
  allowed_ips,
  rate_limit_per_minute,
  status: z.enum(['active', 'expired', 'revoked']),
  is_revoked: z.boolean(),
  created_at: z.date(),
  expires_at: z.date(),
  last_used_at: z.date().nullable(),
  last_used_ip: z.string().nullable(),
})
export type Item = z.infer<typeof Item>

export const Items = z.object({
  tokens: z.array(Item),
  total: z.int(),
  next_cursor: z.string().nullable(),
})

export const EffectiveOn = z
  .object({
    confirmed: z.int().describe('How many instances have said that they know'),
    fenced: z
      .int()
      .nullable()
      .describe(
        'How many have not, and use nothing that they remembered; null when the list of them could not be read',
      ),
  })
  .describe('No instance accepts what was ended in a request that begins after this answer')

export const Revoked = z.object({
  message: z.string(),
  token_id: z.uuid(),
  effective_on: EffectiveOn,
})

export const LogEntry = z.object({
  timestamp: z.date(),
  ip: z.string().nullable(),
  method: z.string(),
  endpoint: z.string().describe('The path, without its query'),
  status_code: z.int(),
  authorized: z.boolean().describe('Whether token, address and scope allowed the call'),
  reason: z.string().optional().describe('Why not, when it was not authorized'),
})
export type LogEntry = z.infer<typeof LogEntry>

export const Logs = z.object({
  token_id: z.uuid(),
  token_name: z.string(),
  total_logs: z.int(),
  limit: z.int(),
  offset: z.int(),
  next_cursor: z.string().nullable(),
  logs: z.array(LogEntry),
})
