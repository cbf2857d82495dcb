// The mixed load of a soak: clients that each do one thing after another, and write down what they saw.
import { client, fcsToken, logIn } from '../../tests/kit/client.ts'
import { burst } from './burst.ts'
import { cutDownload, cutUpload } from './cuts.ts'
import { type Ledger, sha256 } from './ledger.ts'
import { newFile } from './new-file.ts'
import { inPieces } from './pieces.ts'

const CLIENTS = 12
const PAUSE_MS = 40
const PATIENCE_MS = 45_000
const API = '/api/v1'

type Work = [weight: number, (load: Load) => Promise<void>]
export type Load = Awaited<ReturnType<typeof prepare>>

/** Who calls: an account with a token for all, and one that may only read workspaces. */
async function prepare(
  url: string,
  instances: readonly string[],
  ledger: Ledger,
  random: () => number,
) {
  const call = client(url)
  const jwt = await logIn(call, 'soaker')
  const { token } = await fcsToken(call, jwt)
  const issue = async (): Promise<{ id: string; token: string } | null> => {
    const json = { name: 'short-lived', scopes: ['workspaces:write'] }
    const answer = await send('issue', [201], 'POST', `${API}/tokens`, { bearer: jwt, json })
    return answer ? answer.body.data : null
  }
  /** One call; its answer when it is the one that is due. */
  async function send(
    kind: string,
    due: readonly number[],
    method: string,
    path: string,
    options: Parameters<typeof call>[2] = {},
    to = call,
  ) {
    const from = ledger.address()
    const headers = { ...options.headers, 'x-forwarded-for': from }
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const answer = await to(method, path, { ...options, headers, signal }).catch((error) => {
      ledger.failed(`${kind} ${error.name === 'TimeoutError' ? 'no answer' : 'broken off'}`)
      return null
    })
    if (!answer) return null
    const isUse = options.bearer?.startsWith('pat_') && answer.headers.has('x-request-id')
    // A 503 of ours says that the use could not be recorded.
    if (isUse && answer.status !== 503) {
      ledger.answered.addresses.push(from)
      ledger.answered.statuses.push(answer.status)
    }
    return ledger.saw(kind, due, answer) ? answer : null
  }
  const reader = await issue()
  if (!reader) throw new Error('no token')
  /** What goes on beside the clients. */
  const followed: Promise<void>[] = []
  const tokens = { jwt, token, reader: reader.token }
  return { url, instances, ledger, random, ...tokens, issue, send, followed }
}

const pick = <T>(random: () => number, from: readonly T[]): T | undefined =>
  from[Math.floor(random() * from.length)]

async function upload({ send, token, random, ledger }: Load) {
  const body = newFile(random)
  const headers = { 'content-type': 'application/octet-stream' }
  const path = `${API}/fcs/upload?filename=soak.fcs`
  const answer = await send('upload', [201], 'POST', path, { bearer: token, body, headers })
  if (answer) ledger.files.set(answer.body.data.file_id, sha256(body))
}

export async function download({ url, ledger, token }: Load, id: string, sha: string) {
  const from = ledger.address()
  const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': from }
  const signal = AbortSignal.timeout(PATIENCE_MS)
  try {
    const answer = await fetch(`${url}${API}/fcs/files/${id}/download`, { headers, signal })
    const bytes = await answer.bytes()
    // Another client may have deleted it meanwhile.
    if (answer.status === 404 && !ledger.files.has(id)) return false
    if (!ledger.saw('download', [200], { status: answer.status, text: id })) return false
    ledger.answered.addresses.push(from)
    ledger.answered.statuses.push(200)
    if (sha256(bytes) === sha) return true
    ledger.wrong.push(`download: other bytes than were uploaded as ${id}`)
  } catch {
    ledger.failed('download broken off')
  }
  return false
}

async function remove({ send, token, ledger }: Load) {
  const [id] = ledger.files.keys()
  if (!id || ledger.files.size < 50) return
  // From now on it may be there or not, whatever is answered.
  ledger.files.delete(id)
  const path = `${API}/fcs/files/${id}`
  const gone = await send('delete', [200], 'DELETE', path, { bearer: token })
  if (gone) await send('deleted', [404], 'GET', path, { bearer: token })
}

/** A token is made, used, revoked through one instance, and refused by another. */
async function revoke({ send, issue, jwt, instances, random }: Load) {
  const made = await issue()
  if (!made) return
  const path = `${API}/workspaces`
  const json = { name: 'soak' }
  await send('create', [201], 'POST', path, { bearer: made.token, json })
  const revoked = await send('revoke', [200], 'DELETE', `${API}/tokens/${made.id}`, { bearer: jwt })
  if (!revoked) return
  const other = client(pick(random, instances) ?? '')
  await send('revoked', [401], 'GET', path, { bearer: made.token }, other)
}

const events = `${API}/fcs/events?limit=20`
const work: Work[] = [
  [
    20,
    async ({ send, reader }) =>
      void (await send('list', [200], 'GET', `${API}/workspaces?limit=3`, { bearer: reader })),
  ],
  [
    20,
    async ({ send, token }) => void (await send('events', [200], 'GET', events, { bearer: token })),
  ],
  [
    10,
    async ({ send, reader }) =>
      void (await send('forbidden', [403], 'GET', events, { bearer: reader })),
  ],
  [5, async ({ send }) => void (await send('anonymous', [401], 'GET', events))],
  [
    5,
    async ({ send, jwt }) =>
      void (await send('tokens', [200], 'GET', `${API}/tokens?limit=5`, { bearer: jwt })),
  ],
  [8, upload],
  [
    8,
    async (load) => {
      const [id, sha] = pick(load.random, [...load.ledger.files]) ?? []
      if (id && sha) await download(load, id, sha).then(() => {})
    },
  ],
  [6, remove],
  [4, revoke],
  [1, burst],
  [2, inPieces],
  [1, cutUpload],
  [1, cutDownload],
]
const total = work.reduce((sum, [weight]) => sum + weight, 0)

function choose(random: () => number): Work[1] {
  let at = random() * total
  for (const [weight, act] of work) {
    at -= weight
    if (at < 0) return act
  }
  return upload
}

/** Starts the clients. `stop` resolves when each has finished what it was at, and every upload in pieces is a file. */
export async function startLoad(
  url: string,
  instances: readonly string[],
  ledger: Ledger,
  random: () => number,
) {
  const load = await prepare(url, instances, ledger, random)
  let running = true
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (running) {
      await choose(random)(load)
      await Bun.sleep(random() * 2 * PAUSE_MS)
    }
  })
  return {
    load,
    async stop() {
      running = false
      await Promise.all(clients)
      await Promise.all(load.followed)
    },
  }
}
