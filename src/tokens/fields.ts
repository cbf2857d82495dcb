import { z } from 'zod'
import { canonicalBlock } from '../plugins/address.ts'
import { body, documented, text } from '../schema.ts'
import { SCOPES } from '../scopes.ts'

const scopes = z
  .array(z.enum(SCOPES, 'one of the nine scopes'), 'a list of scopes')
  .min(1, 'at least one scope')
  .max(64, 'at most nine different scopes')
  .transform((given) => SCOPES.filter((scope) => given.includes(scope)))
  .meta({ description: 'Duplicates are folded' })

const days = z
  .int('a whole number of days')
  .min(1, 'from 1 to 365 days')
  .max(365, 'from 1 to 365 days')

const block = z.string('an address or CIDR block').transform((given, context) => {
  const canonical = canonicalBlock(given.trim())
  if (canonical !== null) return canonical
  context.addIssue({
    code: 'custom',
    message: 'an IPv4 or IPv6 address or CIDR block, without host bits',
  })
  return z.NEVER
})

export const allowedIps = z
  .array(block, 'a list of addresses or CIDR blocks, or null')
  .max(50, 'at most 50 addresses or blocks')
  .nullable()
  .transform((blocks) => (blocks?.length ? [...new Set(blocks)] : null))

const rateLimit = z
  .int('a whole number of requests, or null')
  .min(1, 'from 1 to 1000000')
  .max(1_000_000, 'from 1 to 1000000')
  .nullable()
  .meta({ description: 'Lowers the limit that the service has for every token' })

export const NewToken = documented(
  body({
    name: text(1, 100),
    scopes,
    expires_in_days: days.default(30),
    allowed_ips: allowedIps.optional(),
    rate_limit_per_minute: rateLimit.optional(),
  }),
)

export const Regeneration = documented(
  body({
    expires_in_days: days.optional(),
    grace_seconds: z
      .int('a whole number of seconds')
      .min(0, 'from 0 to 86400')
      .max(86_400, 'from 0 to 86400')
      .default(0),
  }).nullable(),
)

export const AllowedIps = documented(body({ allowed_ips: allowedIps }))

export const RateLimit = documented(body({ rate_limit_per_minute: rateLimit }))
