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
    for (const [at, column] of columns.entries()) row[at] = column[event]
    rows.push(`${row.join()}\r\n`)
  }
  return rows.join('')
}
