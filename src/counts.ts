import type { Log } from './log.ts'

const LEAST_MS_BETWEEN = 60_000

/**
 * Counts what leaves no row of its own. The totals are logged with the first, and then at most once a minute, so that
 * a flood does not fill the log.
 */
export function createCounts(log: Log, now: () => number = Date.now) {
  const totals: Record<string, number> = {}
  let loggedAt = Number.NEGATIVE_INFINITY
  return {
    add(name: string, more = 1): void {
      totals[name] = (totals[name] ?? 0) + more
      if (now() - loggedAt < LEAST_MS_BETWEEN) return
      loggedAt = now()
      log.warn('counts since the start', { ...totals })
    },
  }
}
