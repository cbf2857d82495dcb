import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { connect } from './db.ts'
import { canonicalBlock } from './plugins/address.ts'

// Beside words that no random key holds: one character repeated, and the key in FastAPI's tutorial.
const PLACEHOLDERS =
  /^(.)\1*$|change.?(me|this|it|in)|(my|your|super).?secret|secret.?key|placeholder|example|insecure|^09d25e094faa6ca2/i

const isNoPlaceholder = (secret: string) => !PLACEHOLDERS.test(secret)
const OWN_SECRET = 'a secret of your own, not a placeholder'

const wholeNumber = (least: number, most: number) => {
  const rule = `a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d{1,16}$/, rule)
    .transform(Number)
    .refine((value) => value >= least && value <= most, rule)
}
const yesOrNo = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', '1', '0'], 'true or false'))
  .transform((value) => value === 'true' || value === '1')
const list = z.string().transform((text) => text.split(',').map((part) => part.trim()))
const DATABASE_URL =
  'a URL such as postgresql://user:password@host:5432/database, with reserved characters percent-encoded'
/** Asks the client itself; a pool connects to nothing before its first query. */
const isDatabaseUrl = (url: string) => {
  try {
    return connect(url) !== undefined
  } catch {
    return false
  }
}
const secretKey = z
  .string()
  .refine((key) => new TextEncoder().encode(key).length >= 32, 'at least 32 bytes')
  .refine(isNoPlaceholder, OWN_SECRET)
  .optional()
// Letters that need no encoding of any kind: clients differ in how they encode the others (RFC 6749 §2.3.1).
const unreserved = (least: number, rule: string) =>
  z.string().regex(new RegExp(`^[A-Za-z0-9._-]{${least},200}$`), rule)
const isOrigin = (text: string) => /^https?:/.test(text) && URL.parse(text)?.origin === text
const notYet = z.never('nothing: this release does not support it').optional()

/** Every setting: its form, and what it accepts in words. An empty variable counts as not given. */
const Settings = z.object({
  PORT: wholeNumber(0, 65_535).default(8000),
  HOST: z.string().default('127.0.0.1'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?(\+\w+)?:\/\/./, DATABASE_URL)
    .transform((url) => url.replace(/^postgres(ql)?(\+\w+)?:/, 'postgres:'))
    .refine(isDatabaseUrl, DATABASE_URL)
    .optional(),
  SECRET_KEY: secretKey,
  SECRET_KEY_PREVIOUS: secretKey,
  DATA_DIR: z.string().default('data'),
  DEBUG: yesOrNo.default(false),
  ACCESS_TOKEN_EXPIRE_MINUTES: wholeNumber(1, 525_600).default(30),
  RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000).default(60),
  TOKEN_RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000).default(600),
  TRUSTED_PROXIES: list
    .refine(
      (blocks) => blocks.every((block) => canonicalBlock(block) !== null),
      'addresses or CIDR blocks without host bits, separated by commas',
    )
    .default([]),
  CORS_ORIGINS: list
    .refine(
      (origins) => origins.every(isOrigin),
      'origins such as https://app.example.org, without a path, separated by commas',
    )
    .default([]),
  MAX_UPLOAD_BYTES: wholeNumber(1, 2 ** 50).default(2 * 1024 ** 3),
  MAX_STORAGE_BYTES_PER_USER: wholeNumber(0, 2 ** 50).default(0),
  AUDIT_REQUIRED: yesOrNo.default(true),
  INTROSPECTION_CLIENT_ID: unreserved(1, 'letters, digits and ._-').optional(),
  INTROSPECTION_CLIENT_SECRET: unreserved(32, '32 to 200 letters, digits and ._-')
    .refine(isNoPlaceholder, OWN_SECRET)
    .optional(),
  LOG_LEVEL: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['debug', 'info', 'warn', 'error'], 'debug, info, warn or error'))
    .optional(),
  REDIS_URL: notYet,
  S3_ENDPOINT: notYet,
  S3_BUCKET: notYet,
  S3_ACCESS_KEY_ID: notYet,
  S3_SECRET_ACCESS_KEY: notYet,
  S3_REGION: notYet,
})

export type Config = z.infer<typeof Settings>

/** A setting that stops the start: one line that names it and what it accepts, never its value. */
export class ConfigError extends Error {}

/** Reads the settings. Each NAME may come from the file that NAME_FILE names instead. */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const given: Record<string, string> = {}
  for (const name of Object.keys(Settings.shape)) {
    const path = env[`${name}_FILE`]
    if (env[name] && path)
      throw new ConfigError(`${name} and ${name}_FILE are given: one is enough`)
    const value = path ? fromFile(`${name}_FILE`, path) : env[name]
    if (value) given[name] = value
  }
  const parsed = Settings.safeParse(given)
  if (parsed.success) return together(parsed.data)
  const [issue] = parsed.error.issues
  throw new ConfigError(`${issue?.path.join('.')} is not usable: it takes ${issue?.message}`)
}

function together(config: Config): Config {
  if (!config.INTROSPECTION_CLIENT_ID === !config.INTROSPECTION_CLIENT_SECRET) return config
  throw new ConfigError('INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET go together')
}

/** The client that may introspect tokens, when there is one. */
export function introspectionClient(config: Config): { id: string; secret: string } | null {
  const { INTROSPECTION_CLIENT_ID: id, INTROSPECTION_CLIENT_SECRET: secret } = config
  return id && secret ? { id, secret } : null
}

/** An empty file is a secret that was lost on the way, and no reason to go on without one. */
function fromFile(name: string, path: string): string {
  try {
    const value = readFileSync(path, 'utf8').trim()
    if (value) return value
  } catch {}
  throw new ConfigError(
    `${name} is not usable: it takes the path of a readable file with the value`,
  )
}
