import type { TestApp } from '../kit/app.ts'

/**
 * The queries that the app sends while `work` runs, but those that keep its lease up. The driver reads this option
 * anew for each of them.
 */
export async function countQueries(app: TestApp, work: () => Promise<void>): Promise<string[]> {
  const queries: string[] = []
  const options = app.pool.options
  const { debug } = options
  options.debug = (_connection, query) => queries.push(query)
  try {
    await work()
  } finally {
    options.debug = debug
  }
  return queries.filter((query) => !query.includes('pat_instances'))
}
