import { z } from 'zod'

/**
 * A zod schema that Elysia validates with and the OpenAPI document prints: the JSON Schema of its input
 * beside zod's own `~standard`. A bare zod schema would be printed with its internals.
 */
export function documented<S extends z.ZodType>(schema: S): S {
  const printed = jsonSchema(schema, 'input')
  // Not enumerable: the document copies what it prints, and leaves this out.
  Object.defineProperty(printed, '~standard', { value: schema['~standard'] })
  // Elysia reads these two faces only; the static type stays the schema's own, so that handlers are typed.
  return printed as unknown as S
}

/** The JSON Schema of what a schema takes in or gives out, in OpenAPI 3.0's dialect. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema, ...printed } = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io,
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodDate)
        Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
      // zod prints the bounds of what a double counts exactly, which tell a reader nothing.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    },
    unrepresentable: 'any',
  })
  return printed
}

/** A JSON body: an object with these fields and no others. */
export function body<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return 'a JSON object'
      const names = issue.keys.filter((key) => /^\w{1,64}$/.test(key)).slice(0, 10)
      return `unknown field ${names.join(', ')}`.trim()
    },
  })
}

/** Text that a person may give: trimmed, its length in code points, without control characters or halves of pairs. */
export function text(least: number, most: number) {
  const rule = `text of ${least} to ${most} characters`
  return z
    .string('text')
    .max(most * 8, rule)
    .transform((value) => value.trim())
    .refine(isPlain, 'text without control characters')
    .refine((value) => within(value, least, most), rule)
    .meta({ type: 'string', minLength: least, maxLength: most })
}

/** How many code points a string has, not counting halves: what a person would call its length. */
export function within(value: string, least: number, most: number): boolean {
  const length = [...value].length
  return length >= least && length <= most
}

// Controls, line breaks, what overrides the direction of the text after it, and what has no width: by these one
// name can look like another, and C1 controls too move a terminal's cursor. Joiners stay, for scripts and emoji need them.
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]/u
const isPlain = (value: string) => value.isWellFormed() && !CONTROL.test(value)

/**
 * Folds case, so that what differs in case alone is the same key. Through upper case and back, for
 * ß is SS and ς is Σ there; lower case first, for ẞ has no other way to either.
 */
export const caseless = (value: string) =>
  value.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')

/** In the spelling that rows, and the names of bytes, have: capitals name the same. */
export const Id = z.object({ id: z.uuid('an id').toLowerCase() })

export const success = <T>(data: T) => ({ success: true as const, data })
