import type { Socket } from 'node:net'
import { setInterval } from 'node:timers'

const TICK_MS = 500
/** Counted in ticks, not by the clock: while our own process stands still nothing can be heard. */
const SILENT_TICKS = 6

/**
 * Gives up the connections of a pool whose database hangs: it closes none, and postgres would wait for ever. While bytes
 * move on them, `ask` is asked twice a second, on a connection beside the pool; what has no answer at all for three
 * seconds hangs. Then every connection ends, and so does each new one until a question is answered. A database that
 * answers, and is slow with something else, is left to its `statement_timeout`.
 * `encrypted` connections do not tell what was written on them: with these it asks all the time.
 */
export function createPulse({
  ask,
  encrypted,
}: {
  ask: () => Promise<unknown>
  encrypted: boolean
}) {
  const carrying = new Set<Socket>()
  let asking: Socket | undefined
  let question: Promise<unknown> | null = null
  let silentTicks = 0
  let movedBefore = 0
  let hung = false
  let timer: NodeJS.Timeout | undefined

  const tick = () => {
    if (question && ++silentTicks < SILENT_TICKS) return
    // The next question waits for a tick, in which its connection learns that it has ended.
    if (question) return giveUp()
    const moved = [...carrying].reduce(
      (sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten,
      0,
    )
    if (hung || encrypted || moved !== movedBefore) put(ask())
    movedBefore = moved
    if (carrying.size === 0 && !hung) {
      clearInterval(timer)
      timer = undefined
    }
  }

  const giveUp = () => {
    hung = true
    question = null
    asking?.destroy()
    for (const socket of carrying) socket.destroy()
  }

  const put = (asked: Promise<unknown>) => {
    question = asked
    silentTicks = 0
    const answered = () => {
      if (question !== asked) return
      question = null
      hung = false
    }
    // A refusal is an answer, too.
    asked.then(answered, answered)
  }

  return {
    /** Takes a new socket of the pool, and says whether it may connect. */
    carries(socket: Socket): boolean {
      carrying.add(socket)
      socket.once('close', () => carrying.delete(socket))
      timer ??= setInterval(tick, TICK_MS).unref()
      return !hung
    },

    /** Takes a new socket of the questions. */
    asks(socket: Socket): boolean {
      asking = socket
      return true
    },
  }
}
