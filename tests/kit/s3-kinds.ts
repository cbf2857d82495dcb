// The S3 servers that tests know, and which of them are here.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './nginx.ts'

export const BUCKET = 'flow'
const GARAGE_CONFIG = join(import.meta.dir, '../../deploy/garage.toml')

const program = (name: string) => {
  const installed = ['go', '.cargo'].map((folder) => `${process.env.HOME}/${folder}/bin`)
  return Bun.which(name, { PATH: [process.env.PATH, ...installed].join(':') })
}

type Keys = { accessKeyId: string; secretAccessKey: string }
// s3rver knows no other name, and MinIO takes no shorter secret.
const KEYS: Keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER-SECRET' }
// Garage takes those of its own form alone.
const GARAGE_KEYS: Keys = { accessKeyId: `GK${'5'.repeat(24)}`, secretAccessKey: '5'.repeat(64) }

type Server = {
  program: string | null
  /** What follows the program, to serve this port of 127.0.0.1 with what is in a folder. */
  args(port: number, folder: string): string[] | Promise<string[]>
  env: Record<string, string>
  keys: Keys
  region: string
}

const SERVERS = {
  /** Comes with the packages. It neither lists nor aborts uploads in parts, and checks no checksum. */
  s3rver: {
    program: process.execPath,
    args: (port, folder) => [
      ...[join(import.meta.dir, 's3rver.ts'), String(port), join(folder, 'buckets'), BUCKET],
    ],
    env: {},
    ...{ keys: KEYS, region: 'us-east-1' },
  },
  versitygw: {
    program: program('versitygw'),
    args: (port, folder) => [
      ...['--quiet', '--keep-alive', '--port', `127.0.0.1:${port}`],
      ...['posix', '--sidecar', join(folder, 'sidecar'), join(folder, 'buckets')],
    ],
    env: { ROOT_ACCESS_KEY: KEYS.accessKeyId, ROOT_SECRET_KEY: KEYS.secretAccessKey },
    ...{ keys: KEYS, region: 'us-east-1' },
  },
  minio: {
    program: program('minio'),
    args: (port, folder) => ['server', '--address', `127.0.0.1:${port}`, join(folder, 'buckets')],
    env: {
      ...{ MINIO_ROOT_USER: KEYS.accessKeyId, MINIO_ROOT_PASSWORD: KEYS.secretAccessKey },
      ...{ MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' },
    },
    ...{ keys: KEYS, region: 'us-east-1' },
  },
  /** As docker-compose.scale.yml starts it, with its settings. */
  garage: {
    program: program('garage'),
    async args(port, folder) {
      const shipped = await Bun.file(GARAGE_CONFIG).text()
      const config = shipped
        .replaceAll('/var/lib/garage', folder)
        .replaceAll('127.0.0.1:3901', `127.0.0.1:${await freePort()}`)
        .replace('0.0.0.0:3900', `127.0.0.1:${port}`)
      const file = join(folder, 'garage.toml')
      await writeFile(file, config)
      return ['--config', file, 'server', '--single-node', '--default-bucket']
    },
    env: {
      GARAGE_RPC_SECRET: '7'.repeat(64),
      GARAGE_DEFAULT_ACCESS_KEY: GARAGE_KEYS.accessKeyId,
      GARAGE_DEFAULT_SECRET_KEY: GARAGE_KEYS.secretAccessKey,
      GARAGE_DEFAULT_BUCKET: BUCKET,
    },
    ...{ keys: GARAGE_KEYS, region: 'garage' },
  },
} satisfies Record<string, Server>

export type S3Kind = keyof typeof SERVERS
export const s3Server = (kind: S3Kind): Server => SERVERS[kind]

const isS3Kind = (name: string): name is S3Kind => name in SERVERS
/** Those that are here. */
export const S3_KINDS = Object.keys(SERVERS)
  .filter(isS3Kind)
  .filter((kind) => SERVERS[kind].program !== null)

const chosen = process.env.TEST_S3
if (chosen !== undefined && !S3_KINDS.some((kind) => kind === chosen))
  throw new Error(`TEST_S3 is none of ${S3_KINDS.join(', ')}, which are installed`)

/** Where one server is enough: that which `TEST_S3` names, or else what does most of what S3 does and CI has. */
export const BEST_S3: S3Kind =
  S3_KINDS.find((kind) => kind === chosen) ??
  (S3_KINDS.includes('versitygw') ? 'versitygw' : 's3rver')
/** Whether it does all that S3 does. */
export const IS_EXACT = BEST_S3 !== 's3rver'
