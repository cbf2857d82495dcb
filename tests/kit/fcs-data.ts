import type { FcsParameterSpec, FcsSpec } from './fcs-writer.ts'

/** `$BYTEORD` for values of so many bytes. */
export function orderOf({ byteOrder = 'little' }: FcsSpec, width: number): number[] {
  if (Array.isArray(byteOrder)) {
    if (width >= byteOrder.length) return byteOrder
    const group = byteOrder.slice(0, width)
    return group.map((place) => place - Math.min(...group) + 1)
  }
  const ascending = Array.from({ length: width }, (_, i) => i + 1)
  return byteOrder === 'little' ? ascending : ascending.reverse()
}

function datatypeOf(spec: FcsSpec, parameter: FcsParameterSpec): 'F' | 'D' | 'I' | 'A' {
  return parameter.datatype ?? spec.datatype ?? 'F'
}

export function bitsOf(spec: FcsSpec, parameter: FcsParameterSpec): number {
  return parameter.bits ?? (datatypeOf(spec, parameter) === 'D' ? 64 : 32)
}

/** DATA, event by event. */
export function encodeData(spec: FcsSpec): Uint8Array {
  const events = spec.columns[0]?.length ?? 0
  const at = (column: number, event: number): number | bigint => {
    const value = spec.columns[column]?.[event]
    if (value === undefined) throw new Error(`column ${column} has no event ${event}`)
    return value
  }
  if (spec.datatype === 'A') {
    const rows = Array.from({ length: events }, (_, event) =>
      spec.parameters.map((parameter, i) => encodeText(spec, parameter, at(i, event))).join(''),
    )
    return new TextEncoder().encode(rows.join(''))
  }
  const orders = spec.parameters.map((parameter) => orderOf(spec, bitsOf(spec, parameter) / 8))
  const types = spec.parameters.map((parameter) => datatypeOf(spec, parameter))
  const bytes = new Uint8Array(events * orders.reduce((sum, { length }) => sum + length, 0))
  const value = new Uint8Array(8)
  const view = new DataView(value.buffer)
  let end = 0
  for (let event = 0; event < events; event++) {
    for (const [i, order] of orders.entries()) {
      if (types[i] === 'F') view.setFloat32(0, Number(at(i, event)), true)
      else if (types[i] === 'D') view.setFloat64(0, Number(at(i, event)), true)
      else view.setBigUint64(0, BigInt(at(i, event)), true)
      for (const place of order) bytes[end++] = value[place - 1] ?? 0
    }
  }
  return bytes
}

/** A number in its fixed width, or with the separator behind it. */
function encodeText(spec: FcsSpec, parameter: FcsParameterSpec, value: number | bigint): string {
  const isFree = parameter.keywords?.B === '*'
  if (isFree) return String(value) + (spec.separator ?? ' ')
  return String(value).padStart(parameter.bits ?? 0, spec.separator ?? '0')
}
