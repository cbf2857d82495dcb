import { client } from '../../tests/kit/client.ts'
import type { Load } from './load.ts'

/** Requests a minute of an address, of which each call has its own. */
export const LIMIT = 10
const PATIENCE_MS = 45_000

/**
 * A burst of one address. No fewer may pass than the limit; more, as many times as there are instances and once more, only
 * while they can't count together.
 */
export async function burst({ url, instances, ledger }: Load) {
  const headers = { 'x-forwarded-for': ledger.address() }
  const most = LIMIT * (instances.length + 1)
  const call = client(url)
  const sent = Array.from({ length: most + 5 }, () =>
    call('GET', '/', { headers, signal: AbortSignal.timeout(PATIENCE_MS) }).then(
      ({ status }) => status,
      () => null,
    ),
  )
  const statuses = await Promise.all(sent)
  const passed = statuses.filter((status) => status === 200).length
  // What failed may have been counted.
  if (statuses.every((status) => status === 200 || status === 429)) {
    ledger.limited(passed, LIMIT, most)
  } else ledger.failed('burst broken off')
}
