import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import postgres from 'postgres'
import { migrationsDir } from '../../src/migrate.ts'
import { client, logIn } from '../kit/client.ts'
import { testServer } from '../kit/postgres.ts'
import { folders, service } from '../kit/service.ts'

setDefaultTimeout(30_000)

const INSTANCES = 10
const made = folders()
const admin = postgres((await testServer()).url, { max: 1 })
afterAll(async () => {
  await admin`drop database instances with (force)`
  await admin.end()
  await made.remove()
})

test('ten instances started at once on an empty database all come up, each migration ran once, and they share accounts', async () => {
  await admin`create database instances`
  const url = new URL('/instances', (await testServer()).url).href
  const folder = await made.create()
  const all = await Promise.all(
    Array.from({ length: INSTANCES }, () => service(folder, { DATABASE_URL: url })),
  )
  const applied = all.flatMap(({ lines }) =>
    lines.filter(({ event }) => event === 'migration applied').map(({ file }) => file),
  )
  expect(applied).toEqual((await readdir(migrationsDir)).sort())

  const [first, last] = [all[0]?.url ?? '', all.at(-1)?.url ?? '']
  const jwt = await logIn(client(first), 'everywhere')
  expect((await client(last)('GET', '/api/v1/tokens', { bearer: jwt })).status).toBe(200)
  const exitCodes = await Promise.all(all.map(({ end }) => end()))
  expect(new Set(exitCodes)).toEqual(new Set([0]))
})
