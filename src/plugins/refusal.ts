import { STATUS_CODES } from 'node:http'

export type RefusalDetail = {
  message?: string
  data?: Record<string, unknown>
  headers?: Record<string, string>
}

/** Of a failure nothing is kept, and nothing is guessed of its type. */
const HEADERS = {
  'content-type': 'application/json;charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/**
 * A refusal that the caller may read: one envelope for every status of 400 and above.
 * Elysia sends what `toResponse` returns, so a plugin may throw it in any app. One that says the same each time may be
 * made once and thrown again and again, which costs next to nothing.
 */
export class Refusal extends Error {
  readonly status: number
  readonly detail: RefusalDetail
  #printed: { body: string; headers: Headers } | undefined

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
    this.#printed ??= this.#print()
    const { body, headers } = this.#printed
    return new Response(body, { status: this.status, headers })
  }

  #print() {
    const { message, data, headers } = this.detail
    const error = STATUS_CODES[this.status] ?? 'Error'
    const body = JSON.stringify({ success: false, error, message, data })
    return { body, headers: new Headers({ ...HEADERS, ...headers }) }
  }
}
