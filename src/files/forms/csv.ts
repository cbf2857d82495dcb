import type { Form, Values } from './form.ts'

const encoder = new TextEncoder()

/**
 * RFC 4180 with a row of names. Numbers have as many digits as it takes to read them back exactly, as in JSON; what
 * is no number is `NaN`, `Infinity` or `-Infinity`, which pandas and R read as numbers.
 */
export const csv: Form = {
  mediaType: 'text/csv',
  contentType: 'text/csv; charset=utf-8',
  extension: 'csv',
  blockValues: 16_384,
  async *write(names, blocks) {
    yield encoder.encode(`${names.map(field).join()}\r\n`)
    for await (const columns of blocks) yield encoder.encode(lines(columns))
  },
}

const field = (name: string) => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)

function lines(columns: readonly Values[]): string {
  const events = columns[0]?.length ?? 0
  const row: (number | bigint | undefined)[] = []
  const rows: string[] = []
  for (let event = 0; event < events; event++) {
    let isPlain = true
    for (let at = 0; at < columns.length; at++) {
      const value = columns[at]?.[event]
      row[at] = value
      if (!Number.isFinite(value)) isPlain = false
    }
    // JSON writes the same digits in half the time, but neither NaN nor integers of 64 bits.
    const line = isPlain ? JSON.stringify(row).slice(1, -1) : row.join()
    rows.push(`${line}\r\n`)
  }
  return rows.join('')
}
