// What an upload takes at least: its body hashed and written to disk, over HTTP. The peer of ours in fcs.ts.
import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  idleTimeout: 0,
  async fetch(request) {
    const name = `${crypto.randomUUID()}.part`
    const hash = createHash('sha256')
    await using out = await open(name, 'wx')
    for await (const chunk of request.body ?? []) {
      hash.update(chunk)
      await out.write(chunk)
    }
    await out.sync()
    await rm(name)
    return new Response(hash.digest('hex'), { status: 201 })
  },
})
console.log(JSON.stringify({ level: 'info', event: 'listening', url: server.url.origin }))
