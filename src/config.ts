import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { connect } from './db.ts'
import { canonicalBlock } from './plugins/address.ts'
import type { S3Settings } from './storage/s3-calls.ts'

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
const RETENTION = '0, or a whole number from 30 to 36500'
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
const REDIS_URL =
  'a URL such as redis://user:password@host:6379/0, rediss:// for TLS or unix:///path/of/socket?db=0, with reserved ' +
  'characters percent-encoded'
const REDIS_SOCKET = /^unix:\/\/([^:@/?#]*:[^:@/?#]*@)?\/[^?#]+(\?db=\d{1,5})?$/
/** Not left to the client, which is loaded only where it is used: what it refuses, it repeats. */
const isRedisUrl = (text: string) => {
  try {
    decodeURIComponent(text)
  } catch {
    return false
  }
  if (REDIS_SOCKET.test(text)) return true
  const url = /^rediss?:\/\/[^?#]+$/.test(text) ? URL.parse(text) : null
  return Boolean(url?.hostname) && /^(\/\d{0,5})?$/.test(url?.pathname ?? '')
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
const isServer = (text: string) => {
  const url = /^https?:\/\//.test(text) ? URL.parse(text) : null
  return url !== null && !url.username && !url.password && !url.search && !url.hash
}

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
  AUDIT_RETENTION_DAYS: z
    .string()
    .regex(/^(0|[1-9]\d{1,4})$/, RETENTION)
    .transform(Number)
    .refine((days) => days === 0 || (days >= 30 && days <= 36_500), RETENTION)
    .default(0),
  DRAIN_DELAY_SECONDS: wholeNumber(0, 300).default(0),
  INTROSPECTION_CLIENT_ID: unreserved(1, 'letters, digits and ._-').optional(),
  INTROSPECTION_CLIENT_SECRET: unreserved(32, '32 to 200 letters, digits and ._-')
    .refine(isNoPlaceholder, OWN_SECRET)
    .optional(),
  LOG_LEVEL: z
    .string()
    .toLowerCase()
    .pipe(z.enum(['debug', 'info', 'warn', 'error'], 'debug, info, warn or error'))
    .optional(),
  REDIS_URL: z.string().refine(isRedisUrl, REDIS_URL).optional(),
  S3_ENDPOINT: z
    .string()
    .refine(isServer, 'a URL such as https://minio.example.org:9000')
    .optional(),
  S3_REGION: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'a region such as eu-central-1')
    .default('us-east-1'),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket')
    .optional(),
  S3_PREFIX: z
    .string()
    .regex(/^([\w.-]{1,100}\/){1,5}$/, 'a path that ends with a slash, such as flow/files/')
    .default(''),
  S3_ACCESS_KEY_ID: z
    .string()
    .regex(/^[\x21-\x7e]{3,200}$/, 'an access key without spaces')
    .optional(),
  S3_SECRET_ACCESS_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{3,200}$/, 'a secret key without spaces')
    .optional(),
  S3_FORCE_PATH_STYLE: yesOrNo.optional(),
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

const S3_TOGETHER = ['S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const

function together(config: Config): Config {
  if (!config.INTROSPECTION_CLIENT_ID !== !config.INTROSPECTION_CLIENT_SECRET) {
    throw new ConfigError('INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET go together')
  }
  const given = S3_TOGETHER.filter((name) => config[name] !== undefined)
  // An endpoint alone would be files on the local disk that somebody believes to be elsewhere.
  if (given.length < S3_TOGETHER.length && (given.length > 0 || config.S3_ENDPOINT)) {
    throw new ConfigError(`${S3_TOGETHER.slice(0, 2).join(', ')} and ${S3_TOGETHER[2]} go together`)
  }
  return config
}

/** Where files are kept, when it is not the local disk. */
export function s3Settings(config: Config): S3Settings | null {
  const { S3_BUCKET: bucket, S3_ACCESS_KEY_ID: accessKeyId, S3_ENDPOINT: endpoint } = config
  const { S3_SECRET_ACCESS_KEY: secretAccessKey, S3_REGION: region } = config
  if (!bucket || !accessKeyId || !secretAccessKey) return null
  // AWS alone has a host name for each bucket, unless somebody has set one up.
  const isAws = endpoint === undefined || new URL(endpoint).hostname.endsWith('.amazonaws.com')
  const forcePathStyle = config.S3_FORCE_PATH_STYLE ?? !isAws
  return { endpoint, region, bucket, accessKeyId, secretAccessKey, forcePathStyle }
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
