import type { Sql } from 'postgres'

const HOUR_MS = 3_600_000

/**
 * Makes the partitions of this month (UTC) and the next, now and again every hour, for as long as the service runs.
 * `made` resolves when the first are there, or `onError` was told why not: what is written meanwhile is kept in the
 * default partition, and moves into its month with the next try.
 */
export function keepPartitions(options: {
  sql: Sql
  onError: (error: unknown) => void
  everyMs?: number
}) {
  const { sql, onError, everyMs = HOUR_MS } = options
  const make = () => sql`select audit_log_make_partitions()`.then(() => {}, onError)
  const timer = setInterval(make, everyMs)
  return { made: make(), stop: () => clearInterval(timer) }
}
