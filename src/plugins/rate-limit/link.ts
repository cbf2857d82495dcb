import { setTimeout as delay } from 'node:timers/promises'
import type { Send } from './redis.ts'

export type Connection = { send: Send; close(): void }

export type LinkOptions = {
  /** Opens a connection, or fails within a second or so. `lost` is to be called when it breaks. */
  open: (lost: (error: unknown) => void) => Promise<Connection>
  /** Does over a new connection what it is for. */
  prove: (send: Send) => Promise<unknown>
  /** Called when there is no connection any more, or none at the start. */
  onDown: (error: unknown) => void
  /** Called when there is one again. */
  onUp: () => void
  /** How long an answer may take, in milliseconds. */
  answerMs: number
}

export type Link = ReturnType<typeof createLink>

const PAUSE_MS = 1_000
/** A moment in which a busy machine gives the server no time is not its end. */
const PROOFS = 3

/**
 * A way to a server that may be slow or gone. A question is answered within `answerMs` or has failed. Then nobody waits
 * any more: the connection has to prove in as short a time that it works, and is given up when it fails three times. Each
 * second another is opened, until one passes.
 */
export function createLink({ open, prove, onDown, onUp, answerMs }: LinkOptions) {
  let current: Connection | null = null
  let closed = false

  const doubt = async (connection: Connection, error: unknown) => {
    if (connection !== current) return
    current = null
    for (let proof = 0; proof < PROOFS; proof++) {
      const works = await isProven(connection)
      if (closed) return connection.close()
      if (works) {
        current = connection
        return
      }
    }
    connection.close()
    onDown(error)
    void seek()
  }
  const isProven = ({ send }: Connection) =>
    within(answerMs, prove(send)).then(
      () => true,
      () => false,
    )

  const attempt = async () => {
    let opened: Connection | undefined
    opened = await open((error) => opened && void doubt(opened, error))
    try {
      await within(answerMs, prove(opened.send))
      if (closed) throw new Error('closed meanwhile')
      current = opened
    } catch (error) {
      opened.close()
      throw error
    }
  }

  const seek = async () => {
    while (!current) {
      await delay(PAUSE_MS)
      if (closed) return
      await attempt().then(onUp, () => {})
    }
  }

  return {
    /** Opens the first connection, and resolves when it is open, or when it turns out that it can't be now. */
    async start(): Promise<void> {
      await attempt().catch((error) => {
        onDown(error)
        void seek()
      })
    },

    send: ((command) =>
      current?.send(command) ?? Promise.reject(new Error('no connection'))) satisfies Send,

    /** What comes of a question that is put with `send`; of `otherwise`, at once, when there is no connection. */
    ask<T>(question: () => T | Promise<T>, otherwise: () => T): T | Promise<T> {
      const asked = current
      if (!asked) return otherwise()
      return within(answerMs, question()).catch((error: unknown) => {
        void doubt(asked, error)
        return otherwise()
      })
    },

    close(): void {
      closed = true
      current?.close()
      current = null
    },
  }
}

/** In two parts: when this process was busy itself all the time, it still has a moment to read what has come. */
function within<T>(ms: number, answer: T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`no answer within ${ms} ms`))
    let timer = setTimeout(() => {
      timer = setTimeout(late, ms * 0.2)
    }, ms * 0.8)
    Promise.resolve(answer)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}
