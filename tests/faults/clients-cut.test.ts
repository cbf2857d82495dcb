import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdir, readFile } from 'node:fs/promises'
import { uploadHead } from '../kit/client.ts'
import { largeFcs } from '../kit/large-fcs.ts'
import { rawConnection, until } from '../kit/service.ts'
import { type Program, programAlone } from './program.ts'

setDefaultTimeout(120_000)

const CUTS = Number(process.env.FAULT_CUTS ?? 500)
const AT_ONCE = 25
let service: Program
beforeAll(async () => {
  service = await programAlone()
})
afterAll(() => service.end())

const large = Buffer.concat([...largeFcs(2)])

/** Repeats what one client does, so many at once. */
async function repeated(times: number, one: () => Promise<void>) {
  let left = times
  const work = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function cutUpload() {
  const { socket } = await rawConnection(service.process().url)
  socket.write(uploadHead(service.load.token, large.length))
  const length = Math.floor(Math.random() * 200_000)
  await new Promise((sent) => socket.write(large.subarray(0, length), sent))
  socket.destroy()
}

const cutDownload = (path: string) => async () => {
  const { socket, first } = await rawConnection(service.process().url)
  const { token } = service.load
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  expect(await first).toStartWith('HTTP/1.1 200 ')
  socket.destroy()
}

const rowsOf = async (endpoint: string) => {
  const [found] = await service.sql<{ count: number }[]>`
    select count(*)::int as count from audit_log
    where token_id = ${service.load.tokenId} and endpoint = ${endpoint}`
  return found?.count ?? 0
}

/** What the process holds: open files and sockets, and resident megabytes. */
async function held() {
  const proc = `/proc/${service.process().pid}`
  const links = await readdir(`${proc}/fd`)
  const status = await readFile(`${proc}/status`, 'utf8')
  return { handles: links.length, megabytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024 }
}

test.skipIf(process.platform !== 'linux')(
  'clients that break off in the middle, again and again: each has its row, and no handle, file or memory stays',
  async () => {
    const { load } = service
    const upload = await load.send(
      'POST',
      '/api/v1/fcs/upload?filename=a.fcs',
      new Uint8Array(large),
    )
    const download = `/api/v1/fcs/files/${JSON.parse(upload.text).data.file_id}/download`
    const cutAll = async (times: number) => {
      const before = [await rowsOf('/api/v1/fcs/upload'), await rowsOf(download)]
      await repeated(times, cutUpload)
      await repeated(times, cutDownload(download))
      const rows = async () => [await rowsOf('/api/v1/fcs/upload'), await rowsOf(download)]
      const expected = before.map((count) => count + times)
      await until(async () => Bun.deepEquals(await rows(), expected))
      await until(async () => (await service.orphans()).length === 0)
    }
    // The first ones fill what is kept on purpose: pools, caches, compiled code.
    await cutAll(CUTS / 2)
    const before = await held()
    await cutAll(CUTS)
    // Memory comes and goes by some 300 MB at full load, and what is garbage goes within moments. A request that stays would hold
    // more than half a megabyte.
    await until(async () => {
      const after = await held()
      return after.handles <= before.handles + 2 && after.megabytes < before.megabytes + CUTS / 2
    })
    await service.expectNothingLost()
    expect((await load.send('GET', download)).status).toBe(200)
  },
)
