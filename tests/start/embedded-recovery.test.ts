import { afterAll, expect, test } from 'bun:test'
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { initOnce, passwordOf } from '../../src/embedded/init.ts'
import { choosePlace } from '../../src/embedded/place.ts'
import { startServer } from '../../src/embedded/server.ts'
import { createLog } from '../../src/log.ts'
import { dataFolders, root, silent, start, withSql } from './embedded-kit.ts'

const folders = dataFolders()
const shared = await folders.create()
afterAll(folders.remove)

async function pidOf(dataDir: string): Promise<number> {
  const file = await readFile(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8')
  return Number.parseInt(file, 10)
}

/** An owner in a process of its own, once it has written a row to `survivors`. */
async function owner(dataDir: string): Promise<{ url: string; kill(): Promise<void> }> {
  const script = join(import.meta.dir, 'embedded-owner.ts')
  const child = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const url = await new Promise<string>((resolve) => child.stdout.once('data', resolve))
  return {
    url: String(url).trim(),
    kill: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

const survivors = (url: string) =>
  withSql(url, async (sql) => Number((await sql`select count(*) from survivors`)[0]?.count))

test('when its owner is killed outright the server ends too, and nothing committed is lost', async () => {
  const dataDir = await folders.create()
  const { url, kill } = await owner(dataDir)
  const closed = Promise.withResolvers<void>()
  const onlooker = postgres(url, { max: 1, onclose: () => closed.resolve() })
  await onlooker`select 1`
  await kill()
  await closed.promise
  const again = await start(dataDir)
  expect(await survivors(again.url)).toBe(1)
  await again.stop()
})

test('when owner and server are killed outright, nothing committed is lost', async () => {
  const dataDir = await folders.create()
  const { kill } = await owner(dataDir)
  process.kill(await pidOf(dataDir), 'SIGKILL')
  await kill()
  const again = await start(dataDir)
  expect(await survivors(again.url)).toBe(1)
  await again.stop()
})

test('a server left without an owner is stopped by the next start', async () => {
  const place = await choosePlace(shared)
  await initOnce(place)
  const password = (await readFile(passwordOf(place.folder), 'utf8')).trim()
  const orphan = await startServer(place, password, silent)
  const next = await start(shared)
  expect(await orphan.ended).toBe('code 0')
  await next.stop()
})

test('a pid file whose number belongs to another program by now does not prevent the start', async () => {
  await initOnce(await choosePlace(shared))
  const { uid, gid } = await stat(join(shared, 'postgres'))
  const bystander = spawn('sleep', ['60'], root ? { uid, gid } : {})
  const lines = [bystander.pid, join(shared, 'postgres/cluster'), 1, 1, '', '127.0.0.1', '1 1', '']
  await writeFile(join(shared, 'postgres/cluster/postmaster.pid'), lines.join('\n'))
  const { stop } = await start(shared)
  await stop()
  expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
  bystander.kill()
})

test('what a broken-off first start left behind is not taken for a database, and goes', async () => {
  const dataDir = await folders.create()
  await mkdir(join(dataDir, 'postgres.init-broken/cluster/base'), { recursive: true })
  const { stop } = await start(dataDir)
  await stop()
  expect(await readdir(dataDir)).toEqual(['postgres'])
})

test('`exited` tells when the server ends by itself', async () => {
  const lines: string[] = []
  const { exited } = await start(
    shared,
    createLog('error', (line) => lines.push(line)),
  )
  process.kill(await pidOf(shared), 'SIGKILL')
  await exited
  expect(lines.join('')).toContain('signal SIGKILL')
})
