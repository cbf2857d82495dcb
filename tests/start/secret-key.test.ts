import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keptSecretKey } from '../../src/secret-key.ts'
import { client, logIn } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, service } from '../kit/service.ts'

setDefaultTimeout(30_000)

const made = folders()
afterAll(made.remove)

test('without SECRET_KEY a random key is kept for its owner only, and logins outlive a restart', async () => {
  const database = await createDatabase()
  const folder = await made.create()
  const env = { DATABASE_URL: database.url }
  const before = await service(folder, env)
  const jwt = await logIn(client(before.url), 'keeper')
  await before.end()

  const path = join(folder, 'data/secret-key')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const key = await readFile(path, 'utf8')

  const after = await service(folder, env)
  const tokens = await client(after.url)('GET', '/api/v1/tokens', { bearer: jwt })
  await after.end()
  await database.drop()
  expect(tokens.status).toBe(200)
  expect(JSON.stringify([...before.lines, ...after.lines])).not.toContain(key)
})

test('the kept key may be followed by one of your own without ending a login', async () => {
  const database = await createDatabase()
  const folder = await made.create()
  const env = { DATABASE_URL: database.url }
  const before = await service(folder, env)
  const jwt = await logIn(client(before.url), 'rotator')
  await before.end()

  const after = await service(folder, {
    ...env,
    SECRET_KEY: 'ZXZlcnkga2V5IGVuZHMsIGFuZCBub3QgZXZlcnkgbG9naW4',
    SECRET_KEY_PREVIOUS_FILE: join(folder, 'data/secret-key'),
  })
  const tokens = await client(after.url)('GET', '/api/v1/tokens', { bearer: jwt })
  await after.end()
  await database.drop()
  expect(tokens.status).toBe(200)
})

test('two installations have different keys', async () => {
  expect(await keptSecretKey(await made.create())).not.toBe(
    await keptSecretKey(await made.create()),
  )
})

test('twenty starts at once in one folder agree on one whole key', async () => {
  const folder = await made.create()
  const keys = await Promise.all(Array.from({ length: 20 }, () => keptSecretKey(folder)))
  expect(new Set(keys).size).toBe(1)
  expect(Buffer.from(keys[0] ?? '', 'base64url')).toHaveLength(32)
  expect(await readdir(folder)).toEqual(['secret-key'])
})

test('a key file that was emptied or cut is refused, and not replaced behind your back', async () => {
  const folder = await made.create()
  for (const left of ['', 'half-a-key']) {
    await writeFile(join(folder, 'secret-key'), left)
    const refusal = await keptSecretKey(folder).catch((error) => error.message)
    expect(refusal).toContain('holds no key')
    expect(await readFile(join(folder, 'secret-key'), 'utf8')).toBe(left)
  }
})
