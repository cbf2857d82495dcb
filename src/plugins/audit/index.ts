import { STATUS_CODES } from 'node:http'
import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { after, around } from '../around.ts'
import type { Peer } from '../client-address.ts'
import { Refusal } from '../refusal.ts'
import { requestPath } from '../request-path.ts'
import { type AuditRow, auditWriter } from './writer.ts'

export { keepPartitions } from './partitions.ts'

/** What a request did with a token: `reason` says why it was not allowed. */
export type TokenUse = { tokenId: string; authorized: boolean; reason: string | null }

/** What a row says that the token was used for. */
export type Called = { method: string; path: string }

const MAX_ENDPOINT = 2048

/**
 * Leaves exactly one row for each request that presents a token, with the status that is sent, and commits it
 * before the client has the answer. It wraps the whole app, for only there is every status seen.
 * When a row can't be written the answer becomes a 503. With `required: false` no answer waits for its row, and one that
 * can't be written is a call of `onLost` and no more. Rows are written together, and lost together.
 */
export function audit(options: {
  sql: Sql
  use: (request: Request) => TokenUse | null | Promise<TokenUse | null>
  address: Peer
  /** What was called, when a gateway asks for somebody else: by default it is what was requested. */
  called?: (request: Request, path: string) => Called | null
  skip?: (path: string) => boolean
  /** What every answer of the app goes through further in: a refusal of this plugin, too. */
  complete?: (request: Request, refusal: Response) => Response | Promise<Response>
  required: boolean
  onLost: (error: unknown, rows: number) => void
}) {
  const { sql, use, address, called, skip, required, onLost } = options
  const { complete = (_, refusal) => refusal } = options
  const writer = auditWriter({ sql, onLost, awaited: required })

  const rowOf = (request: Request, path: string, status: number, presented: TokenUse): AuditRow => {
    const asked = called?.(request, path)
    return {
      token_id: presented.tokenId,
      at: Date.now(),
      ip: address(request),
      method: asked?.method ?? request.method,
      endpoint: withoutTokens(asked?.path ?? path),
      status_code: status,
      authorized: presented.authorized,
      reason: presented.authorized ? null : (presented.reason ?? defaultReason(status)),
    }
  }

  /** What is answered in the place of a response whose row is missing. */
  const withheld = async (request: Request, response: Response): Promise<Response> => {
    await response.body?.cancel()
    const refusal = new Refusal(503, {
      message: 'The use of the token could not be recorded',
      headers: { ...standings(response.headers), 'retry-after': '1' },
    })
    return complete(request, refusal.toResponse())
  }

  const useOf = (request: Request) => {
    try {
      return use(request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The response, when the row is committed; at once where that is not required. */
  const recorded = (request: Request, path: string, response: Response) => {
    const record = (presented: TokenUse | null): Response | Promise<Response> => {
      if (!presented) return response
      const row = rowOf(request, path, response.status, presented)
      if (required) {
        return new Promise((answer) =>
          writer.write(row, (kept) => answer(kept ? response : withheld(request, response))),
        )
      }
      writer.write(row)
      return response
    }
    const used = useOf(request)
    if (!(used instanceof Promise)) return record(used)
    const late = used.then(record, (error) => {
      onLost(error, 1)
      return required ? withheld(request, response) : response
    })
    if (required) return late
    // What has gone wrong is told already, and nobody waits for this.
    late.catch(() => {})
    return response
  }

  return new Elysia({ name: 'audit', seed: crypto.randomUUID() })
    .decorate('auditFlush', writer.flush)
    .wrap(
      around((request, handle) => {
        const path = requestPath(request)
        const response = handle(request)
        return skip?.(path) ? response : after(response, (made) => recorded(request, path, made))
      }),
    )
}

/** Where the client stands within its limits, which is as true of the refusal. */
const standings = (headers: Headers): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('ratelimit')))

/** A token pasted into the path is a secret: the row keeps the prefix that people recognise it by. */
function withoutTokens(path: string): string {
  return path.replace(/(pat_[0-9A-Za-z]{8})[0-9A-Za-z]{28}/g, '$1…').slice(0, MAX_ENDPOINT)
}

function defaultReason(status: number): string {
  return status < 400 ? 'The route takes no token' : (STATUS_CODES[status] ?? String(status))
}
