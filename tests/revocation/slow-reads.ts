import type { Sql } from 'postgres'

/**
 * A pool whose reads of tokens can be held back between the database and the app: what was read is then older than
 * what the app hears meanwhile. `reads` counts them.
 */
export function slowReads(sql: Sql) {
  let held: (() => void)[] = []
  let holding = false
  const state = { reads: 0 }
  const pool = new Proxy(sql, {
    apply(target, self, args) {
      const query = Reflect.apply(target, self, args)
      const [strings] = args
      if (!Array.isArray(strings) || !strings.some((part) => part.includes('from token_secrets s')))
        return query
      state.reads++
      return query.then(async (rows: unknown) => {
        if (holding) await new Promise<void>((release) => held.push(release))
        return rows
      })
    },
  })
  return {
    pool,
    state,
    held: () => held.length,
    hold() {
      holding = true
    },
    release() {
      holding = false
      for (const go of held) go()
      held = []
    },
  }
}
