const ANSWER_MS = 3_000

/**
 * Fails, as an unreachable database does, when a query takes longer than a client should wait: a database that hangs
 * closes no connection, and postgres waits for ever.
 */
export async function answered<T>(query: PromiseLike<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(Object.assign(new Error('the database does not answer'), { code: 'CONNECT_TIMEOUT' }))
  }, ANSWER_MS)
  try {
    return await Promise.race([query, late])
  } finally {
    clearTimeout(timer)
  }
}
