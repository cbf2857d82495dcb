import { STATUS_CODES } from 'node:http'

export type RefusalDetail = {
  message?: string
  data?: Record<string, unknown>
  headers?: Record<string, string>
}

/**
 * A refusal that the caller may read: one envelope for every status of 400 and above.
 * Elysia sends what `toResponse` returns, so a plugin may throw it in any app.
 */
export class Refusal extends Error {
  readonly status: number
  readonly detail: RefusalDetail

  constructor(status: number, detail: RefusalDetail = {}) {
    // Nobody reads where a refusal was thrown, and finding it out takes longer than all the rest of one.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(detail.message ?? STATUS_CODES[status] ?? String(status))
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'Refusal'
    this.status = status
    this.detail = detail
  }

  toResponse(): Response {
    const { message, data, headers } = this.detail
    const body = { success: false, error: STATUS_CODES[this.status] ?? 'Error', message, data }
    return Response.json(body, { status: this.status, ...(headers && { headers }) })
  }
}
