import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { uploadHead } from '../kit/client.ts'
import { largeFcs } from '../kit/large-fcs.ts'
import { rawConnection, until } from '../kit/service.ts'
import { type Program, programAlone } from './program.ts'

setDefaultTimeout(60_000)

const CLIENTS = 16
let service: Program
beforeAll(async () => {
  service = await programAlone()
})
afterAll(() => service.end())

const large = Buffer.concat([...largeFcs(2)])
const HALF = large.length / 2

/** An upload of which half has arrived. */
async function halfSent() {
  const { load, process } = service
  const upload = await rawConnection(process().url)
  const before = (await service.orphans()).length
  upload.socket.write(uploadHead(load.token, large.length))
  upload.socket.write(large.subarray(0, HALF))
  await until(async () => (await service.orphans()).length > before)
  return upload
}

test('SIGTERM amid uploads: those that go on end with 201 and are whole, one that hangs leaves no trace but its row', async () => {
  const goingOn = await halfSent()
  const hanging = await halfSent()
  const clients = service.load.start(CLIENTS)
  await clients.succeeds(10 * CLIENTS)
  const stopped = service.process()
  stopped.signal('SIGTERM')
  await stopped.logged('stopping')
  goingOn.socket.write(large.subarray(HALF))
  expect(await goingOn.closed).toStartWith('HTTP/1.1 201 ')
  expect(await hanging.closed).not.toContain('201')
  expect(await stopped.closed).toBe(0)
  await service.restart()
  await clients.succeeds(CLIENTS)
  await clients.stop()

  expect(service.load.seen.filter(({ status }) => status >= 500)).toEqual([])
  await service.expectNothingLost()
  expect(await service.orphans()).toEqual([])
  const rows = await service.sql`
    select status_code from audit_log
    where token_id = ${service.load.tokenId} and ip = '127.0.0.1' order by id`
  expect(rows.map((row) => row.status_code)).toEqual([201, 400])
})
