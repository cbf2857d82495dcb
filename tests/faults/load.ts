// A bounded load of every kind of call, and what each client saw of it.
import { expect } from 'bun:test'
import { createHash } from 'node:crypto'
import type { Sql } from 'postgres'
import { client, logIn } from '../kit/client.ts'
import { small } from '../kit/fcs-examples.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { until } from '../kit/service.ts'

export type Seen = {
  /** The address that the call came from: no other call's. */
  mark: string
  method: string
  path: string
  /** 0 for a call whose connection broke. */
  status: number
  text: string
  ms: number
  /** Of the bytes that were sent, and of those that came. */
  sent: string
  came: string
}

export type Load = Awaited<ReturnType<typeof createLoad>>

const SCOPES = ['workspaces:admin', 'fcs:read', 'fcs:write', 'fcs:analyze', 'users:read']
const UPLOAD = '/api/v1/fcs/upload'

/** An account with a token at `url`, and the clients that use them. `url` may change when the service is restarted. */
export async function createLoad(url: string, name = 'witness') {
  let base = url
  const jwt = await logIn(client(base), name)
  const created = await client(base)('POST', '/api/v1/tokens', {
    bearer: jwt,
    json: { name: 'load', scopes: SCOPES },
  })
  const { id: tokenId, token } = created.body.data
  const seen: Seen[] = []
  let calls = 0

  const send = async (method: string, path: string, body?: Uint8Array<ArrayBuffer> | string) => {
    const number = calls++
    const mark = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`
    const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream'
    const headers = {
      authorization: `Bearer ${token}`,
      'x-forwarded-for': mark,
      ...(body && { 'content-type': type }),
    }
    const started = performance.now()
    const answer = await fetch(base + path, { method, headers, body: body ?? null })
      .then(async (response) => ({ status: response.status, bytes: await response.bytes() }))
      .catch(() => ({ status: 0, bytes: new Uint8Array() }))
    const call: Seen = {
      ...{ mark, method, path, status: answer.status, ms: performance.now() - started },
      ...{
        text: `${Buffer.from(answer.bytes)}`,
        sent: sha256(body ?? ''),
        came: sha256(answer.bytes),
      },
    }
    seen.push(call)
    return call
  }

  const turns = [
    () => send('GET', '/api/v1/workspaces'),
    () => send('POST', '/api/v1/workspaces', JSON.stringify({ name: `w${calls}` })),
    () => send('GET', '/api/v1/users/me'),
    () => send('POST', `${UPLOAD}?filename=a.fcs`, distinctFcs(calls)),
    () => send('GET', '/api/v1/fcs/files?limit=5'),
    () => send('GET', `/api/v1/nothing/${calls}`),
  ]

  return {
    jwt,
    token,
    tokenId,
    seen,
    send,
    moveTo(url: string) {
      base = url
    },

    /** So many clients, each call after the other, until `stop`; then every call has its answer. */
    start(clients: number) {
      let running = true
      const work = async (first: number) => {
        for (let turn = first; running; turn++) {
          const call = await turns[turn % turns.length]?.()
          // Whoever is refused tries again a little later.
          if (call && (call.status === 0 || call.status >= 500)) await Bun.sleep(20)
        }
      }
      const done = Promise.all(Array.from({ length: clients }, (_, first) => work(first)))
      return {
        /** Resolves when so many more calls have succeeded. */
        async succeeds(times: number) {
          const from = seen.length
          const enough = () => seen.slice(from).filter(isSuccess).length >= times
          await until(async () => enough())
        },
        async stop() {
          running = false
          await done
        },
      }
    },
  }
}

const isSuccess = ({ status }: Seen) => status >= 200 && status < 300

/** A right file with content of its own. */
function distinctFcs(number: number): Uint8Array<ArrayBuffer> {
  const [first, ...others] = small.columns
  const column = Float32Array.from(first ?? [], (_, at) => at + number)
  return new Uint8Array(writeFcs({ ...small, columns: [column, ...others] }))
}

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex')

type Row = { ip: string; method: string; endpoint: string; status_code: number }

/**
 * What must hold whatever happened: every answer that a client saw has its one row, with its status; every row is of a call
 * that was made; what was created is there, and every upload is whole. A 503 promises nothing: its row may be there, with the
 * status of the answer that was withheld.
 */
export async function expectNothingLost(load: Load, sql: Sql): Promise<void> {
  const made = load.seen.filter(({ status }) => status === 201)
  for (const { text, sent } of made.filter(({ path }) => path.startsWith(UPLOAD))) {
    const { file_id } = JSON.parse(text).data
    expect(await load.send('GET', `/api/v1/fcs/files/${file_id}/download`)).toMatchObject({
      ...{ status: 200, came: sent },
    })
  }
  const workspaces = made.filter(({ path }) => path === '/api/v1/workspaces')
  const kept = await sql<{ id: string }[]>`select id from workspaces`
  const ids = new Set(kept.map(({ id }) => id))
  expect(workspaces.filter(({ text }) => !ids.has(JSON.parse(text).data.workspace.id))).toEqual([])

  const rows = await sql<Row[]>`
    select host(ip) as ip, method, endpoint, status_code from audit_log
    where token_id = ${load.tokenId} and ip << '10.0.0.0/8'`
  const byMark = Map.groupBy(rows, ({ ip }) => ip)
  const wrong = load.seen.filter(({ mark, method, path, status }) => {
    const own = byMark.get(mark) ?? []
    const [endpoint] = path.split('?')
    const isRight = own.every((row) => row.method === method && row.endpoint === endpoint)
    if (own.length > 1 || !isRight) return true
    return status !== 0 && status !== 503 && own[0]?.status_code !== status
  })
  expect(wrong).toEqual([])
  const marks = new Set(load.seen.map(({ mark }) => mark))
  expect(rows.filter(({ ip }) => !marks.has(ip))).toEqual([])
}
