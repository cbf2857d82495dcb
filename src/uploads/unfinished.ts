import { z } from 'zod'
import type { Upload } from './uploads.ts'

/** A file that is not one yet, or was none. */
export const UnfinishedFile = z.object({
  id: z.uuid(),
  filename: z.string(),
  size_bytes: z.int(),
  status: z.enum(['processing', 'failed']),
  progress: z.number().describe('How much of it was read, from 0 to 1'),
  failure: z
    .object({
      reason: z.string().describe('The code that a refused upload has in `data.reason`'),
      message: z.string(),
    })
    .nullable(),
  created_at: z.date(),
})

type UnfinishedFile = z.infer<typeof UnfinishedFile>

/** What is shown of an upload whose bytes are all there, until it is a file. */
export function unfinished(upload: Upload | null): UnfinishedFile | null {
  if (upload?.state !== 'processing' && upload?.state !== 'failed') return null
  const { id, filename, size_bytes, state, progress, failure, created_at } = upload
  return { id, filename, size_bytes, status: state, progress, failure, created_at }
}
