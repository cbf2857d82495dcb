// What a rolling change relies on: the program of the last tag runs on the schema of this one, beside it.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { client, fcsToken, logIn } from '../kit/client.ts'
import { testServer } from '../kit/postgres.ts'
import { folders, type Service, service } from '../kit/service.ts'

setDefaultTimeout(60_000)

const project = join(import.meta.dir, '../..')
const made = folders()
const admin = postgres((await testServer()).url, { max: 1, onnotice: () => undefined })
const DATABASE = 'previous_release'

/** What the command wrote, or null when it failed or is not there. */
function output(cwd: string, program: string, ...args: string[]): Buffer | null {
  const { status, stdout } = spawnSync(program, args, { cwd, maxBuffer: 2 ** 30 })
  return status === 0 ? stdout : null
}

const tag = output(project, 'git', 'describe', '--tags', '--abbrev=0')?.toString().trim()

/** The program of the tag, in a folder of its own, with the packages that it names. */
async function checkOut(tag: string): Promise<string> {
  const folder = join(await made.create(), 'release')
  await mkdir(folder)
  const files = output(project, 'git', 'archive', tag)
  spawnSync('tar', ['-x'], { cwd: folder, input: files ?? '' })
  const lock = (root: string) => readFile(join(root, 'bun.lock'), 'utf8')
  if ((await lock(folder)) === (await lock(project))) {
    await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  } else if (output(folder, process.execPath, 'install', '--frozen-lockfile') === null) {
    throw new Error(`the packages of ${tag} can't be installed`)
  }
  return join(folder, 'src/main.ts')
}

let env: Record<string, string>
let release: string
let former: Service
let present: Service
const start = (command?: string[]) => made.create().then((folder) => service(folder, env, command))

beforeAll(async () => {
  if (!tag) return
  await admin.unsafe(`create database ${DATABASE}`)
  env = {
    DATABASE_URL: new URL(`/${DATABASE}`, (await testServer()).url).href,
    DATA_DIR: await made.create(),
    RATE_LIMIT_PER_MINUTE: '0',
  }
  release = await checkOut(tag)
  former = await start([process.execPath, release])
  present = await start()
})
afterAll(async () => {
  if (tag) {
    await Promise.all([former.end(), present.end()])
    await admin.unsafe(`drop database ${DATABASE} with (force)`)
  }
  await admin.end()
  await made.remove()
})

/** One person's day, each step at the other of two instances. */
async function journey(username: string, one: Service, other: Service) {
  const [here, there] = [client(one.url), client(other.url)]
  const jwt = await logIn(here, username)
  const { id, token } = await fcsToken(there, jwt)
  const sample = await readFile(join(project, 'data/sample.fcs'))
  const uploaded = await here('POST', '/api/v1/fcs/upload?filename=day.fcs', {
    bearer: token,
    body: new Uint8Array(sample),
    headers: { 'content-type': 'application/octet-stream' },
  })
  expect(uploaded.status).toBe(201)
  const file = uploaded.body.data.file_id
  const events = `/api/v1/fcs/events?limit=1&file_id=${file}`
  expect((await there('GET', events, { bearer: token })).status).toBe(200)
  expect((await here('GET', events, { bearer: token })).status).toBe(200)
  expect((await there('DELETE', `/api/v1/tokens/${id}`, { bearer: jwt })).status).toBe(200)
  const refused = await here('GET', events, { bearer: token })
  expect([refused.status, refused.body.message]).toEqual([401, 'Token revoked'])
  const statuses = [401, 200, 200, 201]
  for (const call of [here, there]) {
    const { body } = await call('GET', `/api/v1/tokens/${id}/logs`, { bearer: jwt })
    expect(body.data.total_logs).toBe(statuses.length)
    const logged = body.data.logs.map((row: { status_code: number }) => row.status_code)
    expect(logged).toEqual(statuses)
  }
}

const releaseOf = tag ? `the program of ${tag}` : 'the last release (skipped: no tag, or no git)'

test.skipIf(!tag)(`${releaseOf} goes on, beside this one, on the schema of this one`, async () => {
  for (const { url } of [former, present]) {
    expect((await fetch(`${url}/ready`)).status).toBe(200)
  }
  await journey('forwards', former, present)
  await journey('backwards', present, former)
})

test.skipIf(!tag)(`${releaseOf} starts again on the schema of this one`, async () => {
  expect(await former.end()).toBe(0)
  former = await start([process.execPath, release])
  expect((await fetch(`${former.url}/ready`)).status).toBe(200)
  await journey('rolled-back', former, present)
})
