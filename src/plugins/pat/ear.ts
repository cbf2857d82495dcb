import postgres, { type Options, type Sql } from 'postgres'

/**
 * A connection of its own that hears notifications, in the order in which their transactions committed. `lost` is
 * called when it has ended, before the next one hears anything: what is said in between is not heard.
 */
export function createEar(
  sql: Sql,
  {
    channels,
    heard,
    lost,
  }: { channels: readonly string[]; heard: (message: string) => void; lost: () => void },
) {
  let connection = open()
  let listening: Promise<void> | null = null

  function open(): Sql {
    const options = {
      ...sql.options,
      max: 1,
      idle_timeout: null,
      max_lifetime: null,
      // Who listens again has a pause of its own.
      backoff: false,
      fetch_types: false,
      onnotify: (_channel: string, message: string) => {
        if (connection === opened) heard(message)
      },
      onclose: () => {
        if (connection === opened) end()
      },
    }
    // postgres takes options that it has parsed itself, as its own `listen` does; its types do not say so.
    const opened: Sql = postgres(options as unknown as Options<Record<string, never>>)
    return opened
  }

  const end = () => {
    listening = null
    lost()
  }
  const listen = async () => {
    try {
      await connection.unsafe(channels.map((channel) => `listen "${channel}"`).join(';'))
    } catch (error) {
      listening = null
      throw error
    }
  }

  return {
    /** Resolves when it listens. */
    listen: (): Promise<void> => (listening ??= listen()),

    /** Gives the connection up for another: it may be one whose other side has gone without a word. */
    reopen(): void {
      const old = connection
      connection = open()
      end()
      void old.end({ timeout: 0 })
    },

    close: () => connection.end({ timeout: 0 }),
  }
}
