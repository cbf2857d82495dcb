import type { Sql } from 'postgres'

/**
 * Does `work` now and again every so often, for as long as the service runs, on one instance at a time. What fails is told
 * to `failed`, and tried again in the next round. `first` resolves when the first one is over; `stop` breaks off what is
 * under way, by the signal, and resolves when it has ended.
 */
export function rounds(options: {
  sql: Sql
  lock: number
  everyMs: number
  work: (signal: AbortSignal) => Promise<void>
  failed: (error: unknown) => void
}) {
  const { sql, lock, everyMs, work, failed } = options
  const ending = new AbortController()
  let running: Promise<void> | null = null
  const round = () => {
    running ??= inTurn(sql, lock, () => work(ending.signal))
      .catch((error) => {
        if (!ending.signal.aborted) failed(error)
      })
      .finally(() => {
        running = null
      })
    return running
  }
  const timer = setInterval(round, everyMs)
  return {
    first: round(),
    async stop() {
      clearInterval(timer)
      ending.abort()
      await running
    },
  }
}

/**
 * Does `work`, unless another instance is at it: then that one does it. `lock` is any number that nothing else in this
 * database locks. It is held by a transaction, which any pooler passes on.
 */
export async function inTurn(sql: Sql, lock: number, work: () => Promise<void>): Promise<void> {
  await sql.begin(async (turn) => {
    await turn`set local idle_in_transaction_session_timeout = 0`
    const [row] = await turn<{ mine: boolean }[]>`select pg_try_advisory_xact_lock(${lock}) as mine`
    if (row?.mine) await work()
  })
}
