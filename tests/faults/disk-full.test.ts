import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { chmod, cp, mkdir, mkdtemp, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clusterOf } from '../../src/embedded/init.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, until } from '../kit/service.ts'
import { ownDatabase } from './own-database.ts'
import { type Program, program } from './program.ts'

setDefaultTimeout(60_000)

const CLIENTS = 12
const made = folders()
const mounts: string[] = []
const run = async (...command: string[]) =>
  (await Bun.spawn(command, { stderr: 'ignore' }).exited) === 0

async function smallDisk(at: string, megabytes: number): Promise<boolean> {
  const mounted = await run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', at)
  if (mounted) mounts.push(at)
  return mounted
}
afterAll(async () => {
  for (const at of mounts) await run('umount', '-l', at)
  await rmdir(probe)
  await made.remove()
})

/** A mount needs root, and a container that lets it. */
const probe = await mkdtemp(join(tmpdir(), 'pat-mount-'))
const mountable = await smallDisk(probe, 1)

/** Takes what room there is, and gives it back. */
async function fill(disk: string) {
  const ballast = join(disk, 'ballast')
  const block = new Uint8Array(64 * 1024)
  // The disk is full when a write fails.
  for (let full = false; !full; ) {
    full = await writeFile(ballast, block, { flag: 'a' }).then(
      () => false,
      () => true,
    )
  }
  return () => rm(ballast)
}

/** Fills the disk under load until a call has this status, and makes room again. */
async function fillUnderLoad({ load }: Program, disk: string, status: number) {
  const clients = load.start(CLIENTS)
  await clients.succeeds(5 * CLIENTS)
  const release = await fill(disk)
  const refused = () => load.seen.filter((call) => call.status === status)
  await until(async () => refused().length > 2 * CLIENTS)
  await release()
  await clients.succeeds(10 * CLIENTS)
  await clients.stop()
  return refused()
}

test.skipIf(!mountable)(
  'the disk of the files is full: uploads are 507 and leave nothing, all else goes on, and with room they are kept again',
  async () => {
    const database = await createDatabase()
    const disk = await made.create()
    await smallDisk(disk, 2)
    const service = await program(database.url, { dataDir: disk })
    const refused = await fillUnderLoad(service, disk, 507)
    for (const { path, text } of refused) {
      expect([path, JSON.parse(text)]).toEqual([
        '/api/v1/fcs/upload?filename=a.fcs',
        { success: false, error: 'Insufficient Storage', message: 'The storage is full' },
      ])
    }
    const statuses = new Set(service.load.seen.map(({ status }) => status))
    expect(statuses).toEqual(new Set([200, 201, 404, 507]))
    await service.expectNothingLost()
    expect(await service.orphans()).toEqual([])
    await service.end()
    await database.drop()
  },
)

test.skipIf(!mountable)(
  'the disk of the database is full: what it can not write is a 503, and with room the service goes on by itself',
  async () => {
    const folder = await made.create()
    const database = await ownDatabase(folder, {
      // The tables alone: PostgreSQL ends, and no service can help it, when it can't write its log ahead.
      prepare: async ({ folder, account }) => {
        const base = join(clusterOf(folder), 'base')
        await rename(base, `${base}.before`)
        await mkdir(base)
        await smallDisk(base, 64)
        await cp(`${base}.before`, base, { recursive: true })
        await chmod(base, 0o700)
        if (account) await run('chown', '-R', `${account.uid}:${account.gid}`, base)
      },
    })
    const service = await program(database.url)
    const refused = await fillUnderLoad(
      service,
      join(clusterOf(database.place.folder), 'base'),
      503,
    )
    for (const { text } of refused) {
      expect(JSON.parse(text)).toEqual({
        ...{ success: false, error: 'Service Unavailable', message: expect.any(String) },
      })
    }
    const statuses = new Set(service.load.seen.map(({ status }) => status))
    expect(statuses).toEqual(new Set([200, 201, 404, 503]))
    await service.expectNothingLost()
    await service.end()
    await database.stop()
  },
)
