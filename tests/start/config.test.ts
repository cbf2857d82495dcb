import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Config,
  ConfigError,
  introspectionClient,
  loadConfig,
  s3Settings,
} from '../../src/config.ts'

const KEY = 'Zm9yIHRlc3RzIG9ubHksIG5vdCBmb3IgdXNl'
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pat-config-'))
})
afterAll(() => rm(folder, { recursive: true }))

function refusal(env: Record<string, string>): string {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'accepted'
}

test('without any setting the defaults of the contract hold', () => {
  expect(loadConfig({})).toEqual({
    PORT: 8000,
    HOST: '127.0.0.1',
    DATA_DIR: 'data',
    DEBUG: false,
    ACCESS_TOKEN_EXPIRE_MINUTES: 30,
    RATE_LIMIT_PER_MINUTE: 60,
    TOKEN_RATE_LIMIT_PER_MINUTE: 600,
    TRUSTED_PROXIES: [],
    CORS_ORIGINS: [],
    MAX_UPLOAD_BYTES: 2 * 1024 ** 3,
    MAX_STORAGE_BYTES_PER_USER: 0,
    AUDIT_REQUIRED: true,
    AUDIT_RETENTION_DAYS: 0,
    DRAIN_DELAY_SECONDS: 0,
    S3_REGION: 'us-east-1',
    S3_PREFIX: '',
  })
})

test('an empty variable counts as not given, as compose files hand them on', () => {
  expect(loadConfig({ PORT: '', SECRET_KEY: '', SECRET_KEY_FILE: '' })).toEqual(loadConfig({}))
})

const accepted: [keyof Config, string, Config[keyof Config]][] = [
  ['PORT', '0', 0],
  ['PORT', '65535', 65_535],
  ['DATABASE_URL', 'postgres://u:p@h:5432/d', 'postgres://u:p@h:5432/d'],
  ['DATABASE_URL', 'postgresql://u:p@h/d', 'postgres://u:p@h/d'],
  [
    'DATABASE_URL',
    'postgresql+asyncpg://u:p%40@h/d?ssl=require',
    'postgres://u:p%40@h/d?ssl=require',
  ],
  ['SECRET_KEY', KEY, KEY],
  ['SECRET_KEY_PREVIOUS', KEY, KEY],
  ['SECRET_KEY', 'æøå-æøå-æøå-æøå-æøå', 'æøå-æøå-æøå-æøå-æøå'],
  ['DEBUG', 'True', true],
  ['AUDIT_REQUIRED', '0', false],
  ['AUDIT_RETENTION_DAYS', '0', 0],
  ['AUDIT_RETENTION_DAYS', '30', 30],
  ['RATE_LIMIT_PER_MINUTE', '0', 0],
  ['TOKEN_RATE_LIMIT_PER_MINUTE', '0', 0],
  ['TRUSTED_PROXIES', '10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
  [
    'CORS_ORIGINS',
    'https://app.example.org, http://localhost:5173',
    ['https://app.example.org', 'http://localhost:5173'],
  ],
  ['REDIS_URL', 'redis://h', 'redis://h'],
  ['REDIS_URL', 'redis://:p%40@[::1]:6380/15', 'redis://:p%40@[::1]:6380/15'],
  ['REDIS_URL', 'rediss://u:p@h.example:6379/', 'rediss://u:p@h.example:6379/'],
  ['REDIS_URL', 'unix:///run/redis.sock', 'unix:///run/redis.sock'],
  ['REDIS_URL', 'unix://u:p@/run/redis.sock?db=3', 'unix://u:p@/run/redis.sock?db=3'],
  ['LOG_LEVEL', 'WARN', 'warn'],
]
test.each(accepted)('%s takes %s', (name, given, meant) => {
  expect(loadConfig({ [name]: given })[name]).toEqual(meant)
})

const refused: [keyof Config, string, string][] = [
  ['PORT', '65536', 'a whole number from 0 to 65535'],
  ['PORT', '80a', 'a whole number from 0 to 65535'],
  ['PORT', '-1', 'a whole number from 0 to 65535'],
  ['PORT', '8e3', 'a whole number from 0 to 65535'],
  ['DATABASE_URL', 'mysql://hush@h/d', 'a URL such as'],
  ['DATABASE_URL', 'postgres://u:hush@h:port/d', 'a URL such as'],
  ['DATABASE_URL', 'postgres://u:hush%ZZ@h/d', 'a URL such as'],
  ['SECRET_KEY', 'hush hush', 'at least 32 bytes'],
  ['SECRET_KEY_PREVIOUS', 'hush hush', 'at least 32 bytes'],
  ['SECRET_KEY_PREVIOUS', 'a'.repeat(64), 'a secret of your own'],
  ['SECRET_KEY', 'your-super-secret-key-change-in-production', 'a secret of your own'],
  ['SECRET_KEY', 'a'.repeat(64), 'a secret of your own'],
  [
    'SECRET_KEY',
    '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
    'a secret of your own',
  ],
  ['DEBUG', 'hush', 'true or false'],
  ['ACCESS_TOKEN_EXPIRE_MINUTES', '0', 'a whole number from 1 to 525600'],
  ['RATE_LIMIT_PER_MINUTE', '1.5', 'a whole number from 0 to 1000000'],
  ['TRUSTED_PROXIES', '10.0.0.0/33', 'addresses or CIDR blocks'],
  ['TRUSTED_PROXIES', '10.1', 'addresses or CIDR blocks'],
  ['TRUSTED_PROXIES', 'proxy.example', 'addresses or CIDR blocks'],
  ['CORS_ORIGINS', '*', 'origins such as'],
  ['CORS_ORIGINS', 'null', 'origins such as'],
  ['CORS_ORIGINS', 'https://*.example.org/', 'origins such as'],
  ['CORS_ORIGINS', 'https://app.example.org/', 'origins such as'],
  ['CORS_ORIGINS', 'https://app.example.org:443', 'origins such as'],
  ['CORS_ORIGINS', 'HTTPS://app.example.org', 'origins such as'],
  ['CORS_ORIGINS', 'file:///tmp', 'origins such as'],
  ['MAX_UPLOAD_BYTES', '2GiB', 'a whole number from 1 to'],
  ['AUDIT_REQUIRED', 'no', 'true or false'],
  ['REDIS_URL', 'hush', 'a URL such as'],
  ['REDIS_URL', 'http://u:hush@h', 'a URL such as'],
  ['REDIS_URL', 'redis://u:hush@', 'a URL such as'],
  ['REDIS_URL', 'redis://u:hush@h:port', 'a URL such as'],
  ['REDIS_URL', 'redis://u:hush%ZZ@h', 'a URL such as'],
  ['REDIS_URL', 'redis://u:hush@h/name', 'a URL such as'],
  ['REDIS_URL', 'redis://u:hush@h/0?db=1', 'a URL such as'],
  ['REDIS_URL', 'unix://u:hush@run/redis.sock', 'a URL such as'],
  ['REDIS_URL', 'unix:///run/hush?db=x', 'a URL such as'],
  ['AUDIT_RETENTION_DAYS', '29', '0, or a whole number from 30 to 36500'],
  ['AUDIT_RETENTION_DAYS', '36501', '0, or a whole number from 30 to 36500'],
  ['LOG_LEVEL', 'hush', 'debug, info, warn or error'],
  ['INTROSPECTION_CLIENT_ID', 'hush:hush', 'letters, digits and ._-'],
  ['INTROSPECTION_CLIENT_SECRET', 'hush', '32 to 200 letters, digits and ._-'],
  ['INTROSPECTION_CLIENT_SECRET', `${KEY}+hush`, '32 to 200 letters, digits and ._-'],
  ['INTROSPECTION_CLIENT_SECRET', 'a'.repeat(64), 'a secret of your own'],
  ['S3_ENDPOINT', 'hush:9000', 'a URL such as'],
  ['S3_ENDPOINT', 'http://key:hush@minio:9000', 'a URL such as'],
  ['S3_ENDPOINT', 's3://hush', 'a URL such as'],
  ['S3_ENDPOINT', 'http://minio:9000/?hush', 'a URL such as'],
  ['S3_BUCKET', 'Hush', 'the name of a bucket'],
  ['S3_BUCKET', 'hush/files', 'the name of a bucket'],
  ['S3_PREFIX', '/hush', 'a path that ends with a slash'],
  ['S3_PREFIX', 'hush', 'a path that ends with a slash'],
  ['S3_REGION', 'Hush', 'a region such as'],
  ['S3_SECRET_ACCESS_KEY', 'hu sh', 'a secret key without spaces'],
  ['S3_FORCE_PATH_STYLE', 'hush', 'true or false'],
]
test.each(refused)('%s=%s is refused: it takes %s', (name, given, accepts) => {
  const message = refusal({ [name]: given })
  expect(message).toStartWith(`${name} is not usable: it takes ${accepts}`)
  expect(message).not.toContain('\n')
  expect(message).not.toContain('hush')
})

test('the client that introspects has an id and a secret, or there is none', () => {
  const both = { INTROSPECTION_CLIENT_ID: 'gateway', INTROSPECTION_CLIENT_SECRET: KEY }
  expect(introspectionClient(loadConfig(both))).toEqual({ id: 'gateway', secret: KEY })
  expect(introspectionClient(loadConfig({}))).toBeNull()
  for (const [name, value] of Object.entries(both)) {
    expect(refusal({ [name]: value })).toBe(
      'INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET go together',
    )
  }
})

const KEYS = { S3_ACCESS_KEY_ID: 'an-id', S3_SECRET_ACCESS_KEY: 'a/secret+key=' }

test.each([
  ['MinIO', { S3_ENDPOINT: 'http://minio:9000' }, 'us-east-1', true],
  ['Garage', { S3_ENDPOINT: 'http://[::1]:3900/', S3_REGION: 'garage' }, 'garage', true],
  ['Ceph', { S3_ENDPOINT: 'https://rgw.example.org', S3_REGION: 'default' }, 'default', true],
  [
    'a server with a host name for each bucket',
    { S3_ENDPOINT: 'https://s3.example.org', S3_FORCE_PATH_STYLE: 'false' },
    'us-east-1',
    false,
  ],
  ['AWS', { S3_REGION: 'eu-central-1' }, 'eu-central-1', false],
  [
    'AWS by its URL',
    { S3_ENDPOINT: 'https://s3.eu-central-1.amazonaws.com', S3_REGION: 'eu-central-1' },
    'eu-central-1',
    false,
  ],
])('files go to a bucket of %s with its form of URL', (_, given, region, forcePathStyle) => {
  const env: Record<string, string> = { S3_BUCKET: 'flow', ...KEYS, ...given }
  expect(s3Settings(loadConfig(env))).toEqual({
    ...{ endpoint: env.S3_ENDPOINT, region, bucket: 'flow', forcePathStyle },
    ...{ accessKeyId: 'an-id', secretAccessKey: 'a/secret+key=' },
  })
})

test('a bucket has both keys, and an endpoint has a bucket, or there is no start', () => {
  expect(s3Settings(loadConfig({}))).toBeNull()
  const all = { S3_BUCKET: 'flow', ...KEYS }
  for (const name of Object.keys(all)) {
    const message = 'S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY go together'
    expect(refusal({ ...all, [name]: '' })).toBe(message)
    expect(refusal({ S3_ENDPOINT: 'http://minio:9000' })).toBe(message)
  }
})

test.each(['SECRET_KEY', 'SECRET_KEY_PREVIOUS', 'DATABASE_URL', 'PORT'] as const)(
  '%s may come from the file that its name with _FILE names',
  async (name) => {
    const value = {
      SECRET_KEY: KEY,
      SECRET_KEY_PREVIOUS: KEY,
      DATABASE_URL: 'postgres://u@h/d',
      PORT: '8123',
    }[name]
    const path = join(folder, name)
    await writeFile(path, `${value}\n`)
    expect(loadConfig({ [`${name}_FILE`]: path })).toEqual(loadConfig({ [name]: value }))
  },
)

test('a value and a file for the same setting are refused, for one of them would be ignored', async () => {
  const path = join(folder, 'both')
  await writeFile(path, KEY)
  expect(refusal({ SECRET_KEY: KEY, SECRET_KEY_FILE: path })).toBe(
    'SECRET_KEY and SECRET_KEY_FILE are given: one is enough',
  )
})

test('a file that is missing or empty is refused: no start without the secret that was meant', async () => {
  const empty = join(folder, 'empty')
  await writeFile(empty, '\n')
  for (const path of [empty, join(folder, 'missing'), folder]) {
    const message = refusal({ SECRET_KEY_FILE: path })
    expect(message).toStartWith(
      'SECRET_KEY_FILE is not usable: it takes the path of a readable file',
    )
  }
})
