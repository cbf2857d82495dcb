// Three instances, each with a disk of its own, with Redis and S3.
import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '../../scripts/soak/ledger.ts'
import { client, fcsToken, logIn } from '../kit/client.ts'
import { startCluster } from '../kit/cluster.ts'
import { NGINX } from '../kit/nginx.ts'
import { createDatabase } from '../kit/postgres.ts'
import { hasRedis, testRedis, unlessRedis } from '../kit/redis.ts'
import { BEST_S3, startS3 } from '../kit/s3.ts'

setDefaultTimeout(60_000)

const why = NGINX ? unlessRedis : ' (skipped: nginx is not installed)'
const sample = Bun.file(join(import.meta.dir, '../../data/sample.fcs'))

test.skipIf(!NGINX || !hasRedis)(
  `a file uploaded through any of three instances is read by its SHA-256 through all, and on the disk of none${why}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pat-scale-'))
    const database = await createDatabase()
    const [redis, s3] = await Promise.all([testRedis(), startS3(BEST_S3)])
    const env = { REDIS_URL: redis.url, ...s3.env() }
    const cluster = await startCluster({ folder, databaseUrl: database.url, env })
    try {
      const jwt = await logIn(client(cluster.url), 'anywhere')
      const { token } = await fcsToken(client(cluster.url), jwt)
      const body = await sample.bytes()
      const kept: string[] = []
      for (const { url } of cluster.instances) {
        const uploaded = await client(url)('POST', '/api/v1/fcs/upload?filename=cells.fcs', {
          bearer: token,
          body,
          headers: { 'content-type': 'application/octet-stream' },
        })
        expect(uploaded.status).toBe(201)
        kept.push(uploaded.body.data.file_id)
      }
      expect((await s3.keys()).sort()).toEqual(kept.toSorted())
      for (const id of kept) {
        for (const { url } of [cluster, ...cluster.instances]) {
          const headers = { authorization: `Bearer ${token}` }
          const read = await fetch(`${url}/api/v1/fcs/files/${id}/download`, { headers })
          expect(sha256(await read.bytes())).toBe(sha256(body))
        }
      }
      const disks = (await readdir(folder)).filter((name) => name.startsWith('data'))
      expect(disks.sort()).toEqual(['data-1', 'data-2', 'data-3'])
      for (const disk of disks) {
        const entries = await readdir(join(folder, disk), { recursive: true, withFileTypes: true })
        expect(entries.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual([])
      }
    } finally {
      await cluster.close()
      await Promise.all([redis.end(), s3.stop(), database.drop()])
      await rm(folder, { recursive: true })
    }
  },
)
