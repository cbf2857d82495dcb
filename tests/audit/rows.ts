import type { Call, TestApp, Token } from '../kit/app.ts'

/** Sends the call with the token, unless it brings a header of its own, and gives back the rows that came of it. */
export async function rowsOf(app: TestApp, token: Token, line: string, call: Call = {}) {
  const [method = '', path = ''] = line.split(' ')
  const before = await app.auditOf(token.id)
  const credential = call.headers?.authorization === undefined ? { bearer: token.token } : {}
  const answer = await app.call(method, path, { ...credential, ...call })
  const rows = [...(await app.auditOf(token.id))].slice(before.length)
  return { answer, rows }
}

/** The row that a call leaves which was allowed, or was not for this reason. */
export function row(line: string, status_code: number, reason: string | null) {
  const [method = '', path = ''] = line.split(' ')
  const endpoint = path.split('?')[0] ?? ''
  return { method, endpoint, status_code, authorized: reason === null, reason, ip: '127.0.0.1' }
}
