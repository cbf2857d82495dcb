import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { parseBlock } from '../plugins/client-address.ts'
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

/** An address or CIDR block in its canonical text, IPv4 for an IPv4-mapped one; null when it is neither. */
export function canonicalBlock(given: string): string | null {
  if (!/^[0-9a-f:.]{2,45}(\/\d{1,3})?$/i.test(given)) return null
  const [address = '', bits] = given.split('/')
  // inet_aton's forms (010.0.0.1, 1.2.3, 0x7f.1) mean different addresses to different programs.
  if (
    address.includes(':')
      ? !ipaddr.IPv6.isValid(address)
      : !ipaddr.IPv4.isValidFourPartDecimal(address)
  )
    return null
  const leadingZero = /(^|\.)0\d/.test(address.slice(address.lastIndexOf(':') + 1))
  if (leadingZero && address.includes('.')) return null
  if (bits !== undefined && !ipaddr.isValidCIDR(given)) return null
  const parsed = ipaddr.parse(address)
  const mapped = parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()
  const network = mapped ? parsed.toIPv4Address() : parsed
  const whole = network.kind() === 'ipv4' ? 32 : 128
  if (bits === undefined) return network.toString()
  const length = Number(bits) - (mapped ? 96 : 0)
  if (length < 0) return null
  const canonical = `${network.toString()}/${length}`
  return length <= whole && hasNoHostBits(canonical) ? canonical : null
}

function hasNoHostBits(block: string): boolean {
  const [address, bits] = parseBlock(block)
  const bytes = address.toByteArray()
  return bytes.every((byte, at) => (byte & (0xff >> Math.min(8, Math.max(0, bits - at * 8)))) === 0)
}

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

export const NewToken = documented(
  body({
    name: text(1, 100),
    scopes,
    expires_in_days: days.default(30),
    allowed_ips: allowedIps.optional(),
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
