// Clients that break off.
import { uploadHead } from '../../tests/kit/client.ts'
import { rawConnection } from '../../tests/kit/service.ts'
import type { Load } from './load.ts'
import { newFile } from './new-file.ts'

/** An upload that is broken off half-way. */
export async function cutUpload({ url, token, random, ledger }: Load) {
  const bytes = newFile(random)
  const connection = await rawConnection(url).catch(() => null)
  if (!connection) return
  connection.socket.write(uploadHead(token, bytes.length, ledger.address()))
  connection.socket.write(bytes.subarray(0, bytes.length / 2))
  await Bun.sleep(50 + random() * 200)
  connection.socket.destroy()
}

/** A download that is broken off after its first bytes. */
export async function cutDownload({ url, token, ledger }: Load) {
  const connection = await rawConnection(url).catch(() => null)
  const head = [
    `GET /api/v1/fcs/events?format=csv HTTP/1.1`,
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    `X-Forwarded-For: ${ledger.address()}`,
  ]
  connection?.socket.write(`${head.join('\r\n')}\r\n\r\n`)
  await Promise.race([connection?.first, Bun.sleep(1000)])
  connection?.socket.destroy()
}
