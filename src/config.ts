import { readFileSync } from 'node:fs'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'

const PLACEHOLDERS =
  /^(.)\1*$|change.?me|your.?(super.?)?secret|secret.?key.?here|placeholder|example/i

const wholeNumber = (least: number, most: number) => {
  const rule = `a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d{1,16}$/, rule)
    .transform(Number)
    .refine((value) => value >= least && value <= most, rule)
}
const yesOrNo = z
  .enum(['true', 'false', '1', '0'], 'true or false')
  .transform((value) => value === 'true' || value === '1')
const list = z.string().transform((text) => text.split(',').map((part) => part.trim()))
const isBlock = (text: string) => ipaddr.isValid(text) || ipaddr.isValidCIDR(text)
const notYet = z.never('nothing: this release does not support it').optional()

/** Every setting: its form, and what it accepts in words. An empty variable counts as not given. */
const Settings = z.object({
  PORT: wholeNumber(0, 65_535).default(8000),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z
    .string()
    .regex(
      /^postgres(ql)?(\+\w+)?:\/\/./,
      'a URL such as postgresql://user:password@host:5432/database',
    )
    .transform((url) => url.replace(/^postgres(ql)?(\+\w+)?:/, 'postgres:'))
    .optional(),
  SECRET_KEY: z
    .string()
    .refine((key) => new TextEncoder().encode(key).length >= 32, 'at least 32 bytes')
    .refine((key) => !PLACEHOLDERS.test(key), 'a secret of your own, not a placeholder')
    .optional(),
  DATA_DIR: z.string().default('data'),
  DEBUG: yesOrNo.default(false),
  ACCESS_TOKEN_EXPIRE_MINUTES: wholeNumber(1, 525_600).default(30),
  RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000).default(60),
  TRUSTED_PROXIES: list
    .refine((blocks) => blocks.every(isBlock), 'addresses or CIDR blocks, separated by commas')
    .default([]),
  MAX_UPLOAD_BYTES: wholeNumber(1, 2 ** 50).default(2 * 1024 ** 3),
  AUDIT_REQUIRED: yesOrNo.default(true),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error'], 'debug, info, warn or error').optional(),
  REDIS_URL: notYet,
  S3_ENDPOINT: notYet,
  S3_BUCKET: notYet,
  CORS_ORIGINS: notYet,
})

export type Config = z.infer<typeof Settings>

/** A setting that stops the start: one line that names it and what it accepts, never its value. */
export class ConfigError extends Error {}

/** Reads the settings. Each NAME may come from the file that NAME_FILE names instead. */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const given: Record<string, string> = {}
  for (const name of Object.keys(Settings.shape)) {
    const value = env[name] || fromFile(name, env[`${name}_FILE`])
    if (value) given[name] = value
  }
  const parsed = Settings.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ConfigError(`${issue?.path.join('.')} is not usable: it takes ${issue?.message}`)
}

function fromFile(name: string, path: string | undefined): string | undefined {
  if (!path) return undefined
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    throw new ConfigError(`${name}_FILE is not usable: it takes the path of a readable file`)
  }
}
