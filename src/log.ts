import process from 'node:process'

const levels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof levels)[number]

/** One JSON line per event. Fields are the caller's duty: a secret is never one of them. */
export type Log = Record<LogLevel, (event: string, fields?: Record<string, unknown>) => void>

export function createLog(
  least: LogLevel,
  write: (line: string) => void = (line) => void process.stdout.write(line),
): Log {
  const at =
    (level: LogLevel): Log[LogLevel] =>
    (event, fields) => {
      if (levels.indexOf(level) < levels.indexOf(least)) return
      write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
