import { refuse } from '../errors.ts'

/**
 * Runs work, `concurrent` pieces at a time. The next `waiting` wait their turn; beyond them one is refused with 503
 * before it begins, so that a flood is told to come back while what is waiting still gets its answer.
 */
export function bounded({ concurrent, waiting }: { concurrent: number; waiting: number }) {
  let running = 0
  const turns: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < concurrent) running++
    else if (turns.length < waiting) await new Promise<void>((turn) => turns.push(turn))
    else throw refuse('unavailable', 'Too busy', { headers: { 'retry-after': '1' } })
    try {
      return await work()
    } finally {
      const next = turns.shift()
      // Who was waiting takes over the place.
      if (next) next()
      else running--
    }
  }
}
