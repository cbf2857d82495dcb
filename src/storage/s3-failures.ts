import { S3ServiceException } from '@aws-sdk/client-s3'
import { BytesLost, StorageFull, StorageUnavailable } from './storage.ts'

/** The SDK ends the attempt at the signal, as a rule; the caller is answered in any case. */
export async function bounded<T>(
  what: string,
  work: (options: { abortSignal: AbortSignal }) => Promise<T>,
  ms: number,
  stop?: AbortSignal,
): Promise<T> {
  const deadline = AbortSignal.timeout(ms)
  const abortSignal = stop ? AbortSignal.any([deadline, stop]) : deadline
  const { promise: over, reject } = Promise.withResolvers<never>()
  const end = () => reject(new StorageUnavailable(`S3 did not answer ${what} in time`))
  abortSignal.addEventListener('abort', end, { once: true })
  try {
    abortSignal.throwIfAborted()
    return await Promise.race([work({ abortSignal }), over])
  } catch (error) {
    throw told(what, error)
  } finally {
    abortSignal.removeEventListener('abort', end)
  }
}

/** The HTTP status of an answer that the SDK made an error of. */
export const statusOf = (error: unknown) =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined

// MinIO, Ceph and SeaweedFS; AWS has no end.
const FULL = /StorageFull|QuotaExceeded|InsufficientStorage|EntityTooLarge/

/** What went wrong, by name and status alone: messages, and the errors of the SDK, hold keys and signatures. */
function told(what: string, error: unknown): Error {
  if (error instanceof StorageUnavailable || error instanceof BytesLost) return error
  const status = statusOf(error)
  const name = error instanceof Error ? error.name : 'Error'
  const code = error instanceof Error && 'code' in error ? ` ${error.code}` : ''
  const said = `S3: ${what} failed with ${name}${code}${status ? ` (${status})` : ''}`
  if (status === 507 || FULL.test(name)) return new StorageFull(said)
  if (name === 'NoSuchKey' || status === 416) return new BytesLost(said)
  return new StorageUnavailable(said, status)
}
