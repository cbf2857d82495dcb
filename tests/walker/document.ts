import fc from 'fast-check'
import type { z } from 'zod'

// What the walker knows of the service: its OpenAPI document, and nothing else.

/** The parts of a JSON Schema, in OpenAPI 3.0's dialect, that inputs are made from. */
export type Schema = {
  type?: string
  nullable?: boolean
  enum?: readonly unknown[]
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  items?: Schema
  properties?: Record<string, Schema>
  required?: readonly string[]
  anyOf?: readonly Schema[]
  oneOf?: readonly Schema[]
}

type Content<S> = Record<string, { schema?: S }>

export type Parameter = { in: string; name: string; required?: boolean; schema: Schema }

type Described = {
  security?: Record<string, unknown>[]
  'x-required-scope'?: string
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Content<Schema> }
  responses: Record<string, { content?: Content<z.core.JSONSchema.JSONSchema> }>
}

export type Operation = Described & {
  method: string
  path: string
  /** What the path answers to, this operation's method among it. */
  methods: readonly string[]
}

/** Every operation of the document, its references replaced by what they point to. */
export function operationsOf(document: unknown): Operation[] {
  const { paths } = resolved(document, document) as {
    paths: Record<string, Record<string, Described>>
  }
  return Object.entries(paths).flatMap(([path, described]) => {
    const methods = Object.keys(described).map((method) => method.toUpperCase())
    return Object.entries(described).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
      methods,
      // What a counterexample shows of it.
      [fc.toStringMethod]: () => `${method} ${path}`,
    }))
  })
}

function resolved(value: unknown, root: unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => resolved(inner, root))
  if (typeof value !== 'object' || value === null) return value
  if ('$ref' in value && typeof value.$ref === 'string') return resolved(at(value.$ref, root), root)
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, resolved(inner, root)]),
  )
}

/** What a local reference (`#/components/schemas/Error`) points to. */
function at(reference: string, root: unknown): unknown {
  return reference
    .split('/')
    .slice(1)
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], root)
}

export const kindsOf = ({ security = [] }: Operation) => security.flatMap(Object.keys)

/** Whether nobody may call it without a credential. One requirement that is empty makes it open. */
export const isGuarded = ({ security = [] }: Operation) =>
  security.length > 0 && security.every((requirement) => Object.keys(requirement).length > 0)
