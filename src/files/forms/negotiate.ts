import { accepted } from '../../accept.ts'
import { arrow } from './arrow.ts'
import { csv } from './csv.ts'
import type { Form } from './form.ts'
import { ndjson } from './ndjson.ts'

/** What `format` may ask for. JSON is no stream: it is the answer's usual envelope. */
export const FORMATS = ['json', 'csv', 'ndjson', 'arrow'] as const
type Format = (typeof FORMATS)[number]

export const FORMS: Record<Exclude<Format, 'json'>, Form> = { csv, ndjson, arrow }

/** In the order in which they are preferred where the client has no preference. */
const OFFERED: [mediaType: string, Form | null][] = [
  ['application/json', null],
  ...Object.values(FORMS).map((form): [string, Form] => [form.mediaType, form]),
]

/**
 * The form that is asked for, or null for JSON: `format` wins, then what Accept likes best (RFC 9110 §12.5.1), a
 * named type before a wildcard. Where Accept allows none of ours the answer is JSON.
 */
export function chosenForm(format: Format | undefined, accept: string | null): Form | null {
  if (format !== undefined) return format === 'json' ? null : FORMS[format]
  const liking = accepted(accept)
  const [best] = OFFERED.map(([mediaType, form]) => ({ form, ...liking(mediaType) }))
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality || b.detail - a.detail)
  return best?.form ?? null
}
