import { z } from 'zod'
import { SCOPES } from '../scopes.ts'

/** The document of what `echo` gives. */
export const Echo = z.object({
  endpoint: z.string(),
  method: z.string(),
  required_scope: z.enum(SCOPES),
  granted_by: z.enum(SCOPES).describe('The highest scope held that grants it'),
  your_scopes: z.array(z.enum(SCOPES)),
})
