import fc, { type Arbitrary } from 'fast-check'
import { fcsBytes } from '../files/kit.ts'
import type { Schema } from './document.ts'

/** Stands in a request for the id of a thing; who sends it puts one there. */
export const own = (kind: string) => fc.nat(9).map((at) => `@own:${kind}:${at}@`)
export const foreign = (kind: string) => fc.constant(`@foreign:${kind}@`)

const CHANNELS = ['FSC-A', 'SSC-A', 'Time', 'FL1-A', 'no such channel']
const ADDRESSES = ['127.0.0.1', '10.0.0.0/8', '2001:db8::/32', '::1', '10.0.0.1/8', '1.2.3']

/** What a field of this name means, where its schema says no more than that it is text. */
const MEANT: Record<string, Arbitrary<string>> = {
  file_id: fc.oneof({ weight: 4, arbitrary: own('files') }, foreign('files')),
  parameter: fc.constantFrom(...CHANNELS),
  x: fc.constantFrom(...CHANNELS),
  y: fc.constantFrom(...CHANNELS),
  parameters: fc.subarray(CHANNELS, { minLength: 1 }).map((names) => names.join(',')),
  allowed_ips: fc.constantFrom(...ADDRESSES),
}

/** A value that keeps to the schema, as far as the schema says all. */
export function valid(schema: Schema, name = ''): Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return fc.oneof(...choices.map((choice) => valid(choice, name)))
  const value = schema.enum ? fc.constantFrom(...schema.enum) : ofType(schema, name)
  return schema.nullable ? fc.oneof({ weight: 5, arbitrary: value }, fc.constant(null)) : value
}

function ofType(schema: Schema, name: string): Arbitrary<unknown> {
  switch (schema.type) {
    case 'object':
      return object(schema)
    case 'array': {
      const [minLength, maxLength] = [schema.minItems ?? 0, Math.min(schema.maxItems ?? 5, 20)]
      return fc.array(valid(schema.items ?? {}, name), { minLength, maxLength })
    }
    case 'integer': {
      const [min, max] = [schema.minimum ?? -(2 ** 31), schema.maximum ?? 2 ** 31]
      const few = fc.integer({ min, max: Math.min(max, min + 300) })
      return fc.oneof(few, fc.constantFrom(min, max))
    }
    case 'number':
      return fc.oneof(fc.integer({ min: -10, max: 1000 }), fc.constantFrom(0.5, 4.5, 262144, 1e-9))
    case 'boolean':
      return fc.boolean()
    case 'string':
      return text(schema, name)
    default:
      return fc.jsonValue({ maxDepth: 3 })
  }
}

function text({ format, pattern, minLength = 0, maxLength = 60 }: Schema, name: string) {
  if (format === 'uuid') return fc.uuid()
  if (format === 'date-time') {
    const [min, max] = [new Date('2020-01-01'), new Date('2030-01-01')]
    return fc.date({ min, max, noInvalidDate: true }).map((at) => at.toISOString())
  }
  if (format === 'email') return fc.uuid().map((id) => `${id}@example.org`)
  if (format === 'binary') return fc.constant('@binary@')
  const meant = MEANT[name]
  if (meant) return meant
  if (pattern) return fc.stringMatching(new RegExp(pattern))
  const most = Math.max(minLength, Math.min(maxLength, 60))
  return fc.string({ unit: 'grapheme', minLength, maxLength: most })
}

function object({ properties = {}, required = [] }: Schema): Arbitrary<Record<string, unknown>> {
  if (Object.keys(properties).length === 0) {
    return fc.dictionary(fc.string({ maxLength: 9 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 })
  }
  const fields = Object.entries(properties).map(([name, schema]) => [name, valid(schema, name)])
  const model: Record<string, Arbitrary<unknown>> = Object.fromEntries(fields)
  return fc.record(model, { requiredKeys: [...required] })
}

/** One thing is wrong with it, or may be. */
export function nearly(schema: Schema): Arbitrary<unknown> {
  const names = Object.keys(schema.properties ?? {})
  const field = names.length > 0 ? fc.constantFrom(...names) : fc.constant('name')
  return fc.tuple(valid(schema), field, odd, fc.nat(3)).map(([value, name, odd, how]) => {
    if (typeof value !== 'object' || value === null) return odd
    const fields: Record<string, unknown> = { ...value }
    if (how === 0) delete fields[name]
    else if (how === 1) fields.is_admin = odd
    else fields[name] = odd
    return fields
  })
}

const HOSTILE_TEXTS = [
  ...['', ' ', '\0', '\ud800', '-1', '0', '1e400', 'NaN', '٣', 'true', '__proto__', 'constructor'],
  ...["' or 1=1 --", '"; drop table users; --', '{{7*7}}', '%s%n', '../../etc/passwd', '..\\x.fcs'],
  ...['\r\nX-Evil: 1', '\u001b[31m', '\u202egnp', '<script>alert(1)</script>', '[]', '{"a":1}'],
  ...['9'.repeat(400), 'a'.repeat(5000), '🧬'.repeat(300), '1,2', 'x,'.repeat(900)],
]
export const hostileText = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: 'binary', maxLength: 40 }),
)
const odd: Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(null, true, 0, -1, 1.5, 2 ** 53, [], {}, [null], { $ne: 1 }),
  fc.jsonValue({ maxDepth: 4 }),
)

/** A JSON body that no route should like, as the bytes of text. */
export const hostileJson: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      '{',
      'null',
      '[]',
      '"text"',
      '7',
      '1e999',
      '{"a":1}{"b":2}',
      '{"name":"a",}',
      '\ufeff{}',
    ],
    ...['{"__proto__":{"name":"a"}}', '{"name":"\\ud800"}', '{"name":"\\u0000"}', '{"name":1e999}'],
    `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
    `{"name":"${'a'.repeat(70_000)}"}`,
    `{${Array.from({ length: 2000 }, (_, i) => `"f${i}":${i}`).join()}}`,
  ),
  fc.json(),
  odd.map((value) => JSON.stringify(value)),
)

const whole = fcsBytes()
/** A file that is one, or was. */
export const fcsFile: Arbitrary<Uint8Array<ArrayBuffer>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(whole) },
  fc.nat(whole.length).map((end) => whole.slice(0, end)),
  fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((changes) => {
      const bytes = whole.slice()
      for (const [at, byte] of changes) bytes[at] = byte
      return bytes
    }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes)),
)
