import { Buffer } from 'node:buffer'
import { z } from 'zod'
import { refuseField } from './errors.ts'

/** A place in a list that is sorted newest first, so that rows added meanwhile move nothing. */
export type Place = { at: Date; id: string }

// There is no year 0 in PostgreSQL.
const Encoded = z.tuple([z.iso.datetime().refine((at) => !at.startsWith('0000')), z.uuid()])

/** A whole number in a query, as text that means just that. */
export function queryNumber(least: number, most: number) {
  const rule = `a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d{1,15}$/, rule)
    .transform(Number)
    .refine((value) => value >= least && value <= most, rule)
    .meta({ type: 'integer', minimum: least, maximum: most })
}

export const cursor = z.string().max(200, 'a cursor that this API gave').optional()

function encodeCursor({ at, id }: Place): string {
  return Buffer.from(JSON.stringify([at.toISOString(), id])).toString('base64url')
}

export function decodeCursor(given: string | undefined): Place | null {
  if (given === undefined) return null
  try {
    const [at, id] = Encoded.parse(JSON.parse(Buffer.from(given, 'base64url').toString()))
    return { at: new Date(at), id }
  } catch {
    throw refuseField('cursor', 'a cursor that this API gave')
  }
}

/** Cuts one row more than was asked for into a page and the cursor of the next. */
export function page<T extends { id: string; created_at: Date }>(rows: T[], limit: number) {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const more = rows.length > limit && last
  return {
    rows: shown,
    next_cursor: more ? encodeCursor({ at: last.created_at, id: last.id }) : null,
  }
}
