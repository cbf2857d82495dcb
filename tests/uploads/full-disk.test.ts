import { expect, test } from 'bun:test'
import { FULL_DISK, fileServer } from '../files/server.ts'
import { named, PIECE, TUS, UPLOADS } from './kit.ts'

const LENGTH = 4_000_000

test.skipIf(process.platform === 'win32')(
  'a piece that the disk has no room for is 507, and what there was room for is kept',
  async () => {
    const server = await fileServer(FULL_DISK)
    try {
      const { token: bearer } = await server.newToken()
      const call = (method: string, path: string, headers: Record<string, string>, size = 0) => {
        const body = size > 0 ? { body: new Uint8Array(size) } : {}
        return server.call(method, path, { bearer, headers: { ...TUS, ...headers }, ...body })
      }
      const length = { 'upload-length': String(LENGTH), 'upload-metadata': named('a.fcs') }
      const at = (await call('POST', UPLOADS, length)).headers.get('location') ?? ''
      const full = await call('PATCH', at, { ...PIECE, 'upload-offset': '0' }, LENGTH)
      expect([full.status, full.body.message]).toEqual([507, 'The storage is full'])
      expect(full.headers.get('tus-resumable')).toBe('1.0.0')
      const there = Number((await call('HEAD', at, {})).headers.get('upload-offset'))
      expect(there).toBeWithin(1_000_000, 2_200_000)
      expect((await call('DELETE', at, {})).status).toBe(204)
    } finally {
      await server.close()
    }
  },
)
