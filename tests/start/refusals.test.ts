import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDatabase } from '../kit/postgres.ts'
import { folders, type Outcome, outcome, service } from '../kit/service.ts'

setDefaultTimeout(30_000)

const made = folders()
const database = await createDatabase()
afterAll(async () => {
  await database.drop()
  await made.remove()
})

/** The one line that is all that the start wrote. */
function onlyLine({ code, stdout, stderr }: Outcome): string {
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toEndWith('\n')
  expect(stderr.trimEnd()).not.toContain('\n')
  return stderr.trimEnd()
}

test('a bad setting stops the start with one line and exit code 1, before anything is made', async () => {
  const folder = await made.create()
  const line = onlyLine(await outcome(folder, { SECRET_KEY: 'hush', DATABASE_URL: database.url }))
  expect(line).toBe('SECRET_KEY is not usable: it takes at least 32 bytes')
  expect(await Array.fromAsync(new Bun.Glob('**').scan({ cwd: folder, onlyFiles: false }))).toEqual(
    [],
  )
})

test('a port in use is one line and exit code 1, and the program that has it goes on', async () => {
  const folder = await made.create()
  const first = await service(folder, { DATABASE_URL: database.url })
  const { port } = new URL(first.url)
  const second = await outcome(folder, { DATABASE_URL: database.url, PORT: port })
  expect(onlyLine(second)).toBe(`Port ${port} is in use: stop the other program, or set PORT`)
  expect((await fetch(`${first.url}/health`)).status).toBe(200)
  await first.end()
})

test('an address that is not of this machine is one line that names HOST', async () => {
  // TEST-NET-1, RFC 5737: nobody's address.
  const env = { DATABASE_URL: database.url, HOST: '192.0.2.1' }
  expect(onlyLine(await outcome(await made.create(), env))).toStartWith('HOST and PORT')
})

test('a database that does not answer is one line without the password', async () => {
  const env = { DATABASE_URL: 'postgresql+asyncpg://me:hush@127.0.0.1:1/none' }
  const line = onlyLine(await outcome(await made.create(), env))
  expect(line).toBe('The database is not usable: connect ECONNREFUSED 127.0.0.1:1')
})

test('a database that refuses the password is one line without it', async () => {
  const url = new URL(database.url)
  url.password = 'hush'
  const line = onlyLine(await outcome(await made.create(), { DATABASE_URL: url.href }))
  expect(line).toBe(
    'The database is not usable: password authentication failed for user "postgres"',
  )
})

test('a DATA_DIR that can not be made is one line', async () => {
  const folder = await made.create()
  await writeFile(join(folder, 'data'), 'a file')
  expect(onlyLine(await outcome(folder, { DATABASE_URL: database.url }))).toStartWith(
    'The start failed: EEXIST',
  )
})

test('a second program in the DATA_DIR of a running one is refused, and the first goes on', async () => {
  const folder = await made.create()
  const first = await service(folder, {})
  const line = onlyLine(await outcome(folder, {}))
  expect(line).toContain('is in use by another process')
  expect((await fetch(`${first.url}/ready`)).status).toBe(200)
  await first.end()
})
