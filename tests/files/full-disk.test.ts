import { expect, test } from 'bun:test'
import { largeFcs } from '../kit/large-fcs.ts'
import { FORM, RAW, UPLOAD } from './kit.ts'
import { FULL_DISK, fileServer } from './server.ts'

test.skipIf(process.platform === 'win32')(
  'an upload that the disk has no room for is 507, leaves nothing, and the next one that fits is kept',
  async () => {
    const server = await fileServer(FULL_DISK)
    try {
      const { id, token } = await server.newToken()
      const large = new Uint8Array(Buffer.concat([...largeFcs(4)]))
      const start = Buffer.from(
        '--XX\r\nContent-Disposition: form-data; name="file"; filename="a.fcs"\r\n\r\n',
      )
      const form = new Uint8Array(Buffer.concat([start, large, Buffer.from('\r\n--XX--\r\n')]))
      const path = `${UPLOAD}?filename=a.fcs`
      for (const [headers, body] of [
        [RAW, large],
        [FORM, form],
      ] as const) {
        const answer = await server.call('POST', path, { bearer: token, headers, body })
        expect(answer.status).toBe(507)
        expect(answer.body).toEqual({
          success: false,
          error: 'Insufficient Storage',
          message: 'The storage is full',
        })
        expect(await server.files()).toEqual([])
        expect(await server.sql`select id from fcs_files`).toBeEmpty()
      }
      const small = new Uint8Array(Buffer.concat([...largeFcs(1)]))
      const kept = await server.call('POST', path, { bearer: token, headers: RAW, body: small })
      expect(kept.status).toBe(201)
      expect(await server.files()).toEqual([kept.body.data.file_id])
      const rows = await server.sql`
        select status_code from audit_log where token_id = ${id} order by id`
      expect(rows.map((row) => row.status_code)).toEqual([507, 507, 201])
    } finally {
      await server.close()
    }
  },
  30_000,
)
