// The least that a token's call could be: Bun's server alone, without a framework, a route, a scope, a limit or a word that
// depends on the request. The token's form and hash, the caller's address, and a row that the service's own writer writes.
import { connect } from '../src/db.ts'
import { auditWriter } from '../src/plugins/audit/writer.ts'
import { isWellFormed, tokenKey } from '../src/plugins/pat/secret.ts'
import { COMMON } from '../src/request-headers.ts'

const awaited = process.env.AUDIT_REQUIRED !== 'false'
const { auditSql } = connect(process.env.DATABASE_URL ?? '')
const onLost = (error: unknown) => console.error(error)
const writer = auditWriter({ sql: auditSql, onLost, awaited })
const tokens = new Map<string, string>()
const headers = new Headers(COMMON)

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, server) {
    const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? ''
    if (!isWellFormed(token)) return new Response('{"success":false}', { status: 401, headers })
    const key = tokenKey(token)
    const id = tokens.get(key) ?? crypto.randomUUID()
    tokens.set(key, id)
    const row = {
      token_id: id,
      at: Date.now(),
      ip: server.requestIP(request)?.address ?? null,
      method: request.method,
      endpoint: '/',
      status_code: 304,
      authorized: true,
      reason: null,
    }
    const response = new Response(null, { status: 304, headers })
    if (awaited) return new Promise((answer) => writer.write(row, () => answer(response)))
    writer.write(row)
    return response
  },
})
console.log(JSON.stringify({ event: 'listening', url: server.url.origin }))
