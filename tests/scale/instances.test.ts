// Three instances behind the balancer that the project ships.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { type Client, client, fcsToken, logIn } from '../kit/client.ts'
import { type Cluster, startCluster } from '../kit/cluster.ts'
import { NGINX } from '../kit/nginx.ts'
import { createDatabase } from '../kit/postgres.ts'
import { until } from '../kit/service.ts'

setDefaultTimeout(60_000)

const why = NGINX ? '' : ' (skipped: nginx is not installed)'
const behindNginx = test.skipIf(!NGINX)
const WORKSPACES = '/api/v1/workspaces'
const sample = Bun.file(join(import.meta.dir, '../../data/sample.fcs'))

let folder: string
let database: Awaited<ReturnType<typeof createDatabase>>
let sql: Sql
let cluster: Cluster
let call: Client
let jwt: string
/** A client of each instance, past the balancer. */
let each: Client[]

beforeAll(async () => {
  if (!NGINX) return
  folder = await mkdtemp(join(tmpdir(), 'pat-scale-'))
  database = await createDatabase()
  sql = postgres(database.url, { max: 1 })
  cluster = await startCluster({ folder, databaseUrl: database.url })
  call = client(cluster.url)
  each = cluster.instances.map(({ url }) => client(url))
  jwt = await logIn(call, 'anywhere')
})
afterAll(async () => {
  if (!NGINX) return
  await cluster.close()
  await sql.end()
  await database.drop()
  await rm(folder, { recursive: true })
})

const create = async (scopes: string[]): Promise<{ id: string; token: string }> =>
  (await call('POST', '/api/v1/tokens', { bearer: jwt, json: { name: 'busy', scopes } })).body.data

behindNginx(`a revoke through one of three is refused by all at once${why}`, async () => {
  const { id, token } = await create(['workspaces:read'])
  const statuses = async () => {
    const answers = await Promise.all(each.map((one) => one('GET', WORKSPACES, { bearer: token })))
    return answers.map(({ status }) => status)
  }
  // Until all of them answer from memory: each has heard itself once.
  await until(async () => {
    expect(await statuses()).toEqual([200, 200, 200])
    return (await sql`select from pat_instances where beat > 1`).length >= 3
  })
  const revoked = await each[0]?.('DELETE', `/api/v1/tokens/${id}`, { bearer: jwt })
  expect(revoked?.body.data.effective_on).toEqual({ confirmed: 3, fenced: 0 })
  expect(await statuses()).toEqual([401, 401, 401])
})

behindNginx(`a file uploaded through one of three is read through all${why}`, async () => {
  const { token } = await fcsToken(call, jwt)
  const bytes = await sample.bytes()
  for (const writer of each) {
    const uploaded = await writer('POST', '/api/v1/fcs/upload?filename=cells.fcs', {
      bearer: token,
      body: bytes,
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect(uploaded.status).toBe(201)
    for (const { url } of [cluster, ...cluster.instances]) {
      const path = `/api/v1/fcs/files/${uploaded.body.data.file_id}/download`
      const read = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })
      expect(Buffer.compare(await read.bytes(), bytes)).toBe(0)
    }
  }
})

behindNginx(
  `a restart of all three, one after the other, under load: no client sees an error, and every answer has its row${why}`,
  async () => {
    const { id, token } = await create(['workspaces:admin'])
    const made = await call('POST', WORKSPACES, { bearer: token, json: { name: 'panel' } })
    const settings = `${WORKSPACES}/${made.body.data.workspace.id}/settings`
    const failed: string[] = []
    let calls = 0
    let restarting = true
    const use = async () => {
      while (restarting) {
        const from = `10.0.${calls >> 8}.${calls++ & 255}`
        const headers = { 'x-forwarded-for': from }
        // What may be sent twice is what a balancer may retry.
        const answer =
          calls % 4 === 0
            ? await call('PUT', settings, { bearer: token, headers, json: { calls } })
            : await call('GET', WORKSPACES, { bearer: token, headers })
        if (answer.status !== 200) failed.push(`${from}: ${answer.status}`)
      }
    }
    const load = Promise.all(Array.from({ length: 8 }, use))
    const codes = await cluster.restart()
    restarting = false
    await load
    expect(codes).toEqual([0, 0, 0])
    expect(failed).toEqual([])
    expect(calls).toBeGreaterThan(100)
    const [rows] = await sql<{ addresses: number }[]>`
      select count(distinct ip)::int as addresses from audit_log
      where token_id = ${id} and status_code = 200 and ip <<= '10.0.0.0/8'`
    expect(rows?.addresses).toBe(calls)
  },
)
