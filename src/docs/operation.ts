import { STATUS_CODES } from 'node:http'
import type { z } from 'zod'
import { jsonSchema } from '../schema.ts'
import { refusal } from './complete.ts'

type Content = Record<string, { schema: Record<string, unknown> }>
type Answer = z.ZodType | Content

/** What every operation may answer, whoever calls it. */
const ALWAYS = {
  429: 'Too many requests from this address',
  503: 'The database or the storage does not answer',
}

export const errorSchema = {
  type: 'object' as const,
  required: ['success', 'error'],
  properties: {
    success: { type: 'boolean' as const, enum: [false] },
    error: { type: 'string' as const, description: 'The reason phrase of the status' },
    message: { type: 'string' as const },
    data: { type: 'object' as const, additionalProperties: true },
  },
}

/** The same for who asks for application/problem+json (RFC 9457). */
export const problemSchema = {
  type: 'object' as const,
  required: ['type', 'title', 'status', 'instance'],
  properties: {
    type: { type: 'string' as const, description: 'Leads to what it means, under /docs/problems' },
    title: { type: 'string' as const, description: 'The reason phrase of the status' },
    status: { type: 'integer' as const },
    detail: { type: 'string' as const },
    instance: { type: 'string' as const, description: 'The id of the request' },
  },
  additionalProperties: true,
}

/**
 * What the OpenAPI document says of an operation: its tag, one line, its answer (a schema is wrapped in the
 * success envelope; other content types are given whole, and so are its other forms) and its refusals beside those
 * that every route has.
 */
export function operation(
  tag: string,
  summary: string,
  said: {
    description?: string
    answer: [status: number, answer: Answer, otherForms?: Content]
    alsoAnswers?: Record<number, string | { description: string; content: Content }>
    refusals?: Record<number, string>
    requestBody?: { required: true; content: Content }
  },
) {
  const [status, answer, otherForms] = said.answer
  const responses: Record<string, { description: string; content?: Content }> = {
    [status]: {
      description: STATUS_CODES[status] ?? '',
      content: {
        ...(isSchema(answer) ? { 'application/json': { schema: envelope(answer) } } : answer),
        ...otherForms,
      },
    },
  }
  for (const [code, other] of Object.entries(said.alsoAnswers ?? {})) {
    responses[code] = typeof other === 'string' ? { description: other } : other
  }
  for (const [code, description] of Object.entries({ ...ALWAYS, ...said.refusals })) {
    responses[code] = refusal(description)
  }
  const { description, requestBody } = said
  return {
    tags: [tag],
    summary,
    responses,
    ...(description && { description }),
    ...(requestBody && { requestBody }),
  }
}

function envelope(data: z.ZodType) {
  return {
    type: 'object',
    required: ['success', 'data'],
    properties: {
      success: { type: 'boolean', enum: [true] },
      data: jsonSchema(data, 'output'),
    },
  }
}

const isSchema = (answer: Answer): answer is z.ZodType => '_zod' in answer
