import { z } from 'zod'

const Operation = z.looseObject({
  security: z.array(z.record(z.string(), z.array(z.string()))).optional(),
  parameters: z.array(z.looseObject({ in: z.string() })).optional(),
  requestBody: z
    .looseObject({
      content: z.record(
        z.string(),
        z.object({ schema: z.looseObject({ nullable: z.boolean().optional() }) }),
      ),
    })
    .optional(),
  responses: z.record(z.string(), z.unknown()),
  description: z.string().optional(),
  'x-required-scope': z.string().optional(),
})
const Document = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
})
type Operation = z.infer<typeof Operation>

/**
 * Adds to the printed document what follows from the rest of it, so that no route has to say it: that an operation
 * without a guard needs no credential, which scope one needs, and the refusals that guards, bodies and
 * parameters bring.
 */
export function completeDocument(printed: unknown): unknown {
  const document = Document.parse(printed)
  for (const operations of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      operations[method] = complete(operation)
    }
  }
  return document
}

function complete(operation: Operation): Operation {
  const { security = [], parameters = [], requestBody, responses, description } = operation
  const scope = operation['x-required-scope']
  const refusals: Record<string, string> = {}
  if (security.length > 0) {
    refusals[400] = 'A token in the URL'
    refusals[401] = 'No credential, or one that is not accepted'
  }
  if (security.some((kind) => 'personalAccessToken' in kind))
    refusals[403] = 'The scope or the address does not allow it'
  if (requestBody && 'application/json' in requestBody.content) {
    refusals[400] = 'The body is not valid JSON'
    refusals[413] = 'The body is too large'
    refusals[415] = 'The body is of another content type'
  }
  // A malformed id in the path names nothing, and is a 404.
  if (requestBody || parameters.some((parameter) => parameter.in !== 'path')) {
    refusals[422] = 'A field breaks its rule'
  }
  const added = Object.entries(refusals).map(([status, text]) => [status, refusal(text)])
  return {
    ...operation,
    security,
    ...(requestBody && { requestBody: { ...requestBody, required: !mayBeAbsent(requestBody) } }),
    ...(scope && {
      description: [description, `Scope: \`${scope}\``].filter(Boolean).join('\n\n'),
    }),
    responses: { ...Object.fromEntries(added), ...responses },
  }
}

const mayBeAbsent = ({ content }: NonNullable<Operation['requestBody']>) =>
  Object.values(content).every(({ schema }) => schema.nullable === true)

/** A refusal in the two forms that every one of them has. */
export function refusal(description: string) {
  return {
    description,
    content: {
      'application/json': { schema: { $ref: '#/components/schemas/Error' } },
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    },
  }
}
