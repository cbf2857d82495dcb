import type { Mutant } from './mutant.ts'

const hostile = ['tests/uploads/hostile.test.ts']
const protocol = ['tests/uploads/tus.test.ts']

/** Uploads in pieces: whose they are, who works on them, and until when. */
export const uploads: readonly Mutant[] = [
  {
    does: "lets anybody go on with another's upload",
    file: 'src/uploads/uploads.ts',
    from: 'where id = ${id} and owner_id = ${owner} and expires_at > now()`',
    to: 'where id = ${id} and ${owner}::uuid is not null and expires_at > now()`',
    tests: protocol,
  },
  {
    does: 'keeps two spellings of an id apart',
    file: 'src/schema.ts',
    from: "z.uuid('an id').toLowerCase()",
    to: "z.uuid('an id')",
    tests: hostile,
  },
  {
    does: 'takes an upload that somebody works on',
    file: 'src/uploads/lease.ts',
    from: 'and coalesce(held_until not between clock_timestamp() and ${leaseEnd}, true)`',
    to: '`',
    tests: hostile,
  },
  {
    does: 'takes a lease that began while it waited for the row',
    file: 'src/uploads/lease.ts',
    from: 'held_until not between clock_timestamp() and ${leaseEnd}',
    to: "held_until not between now() and now() + interval '10 seconds'",
    tests: hostile,
  },
  {
    does: 'brings an upload back that was given up',
    file: 'src/uploads/uploads.ts',
    from: " and state <> 'failed' returning expires_at",
    to: ' returning expires_at',
    tests: hostile,
  },
  {
    does: 'shows an upload that was given up when the clock is set back',
    file: 'src/uploads/uploads.ts',
    from: "expires_at = 'epoch'",
    to: 'expires_at = now()',
    tests: hostile,
  },
  {
    does: 'gives up an upload whose bytes are all there',
    file: 'src/uploads/tus.ts',
    from: "if ((await find(id)).state !== 'receiving') throw ERRORS.INVALID_TERMINATION",
    to: '',
    tests: protocol,
  },
  {
    does: 'keeps the room of an upload whose beginning was refused',
    file: 'src/uploads/tus.ts',
    from: 'if (course.begun !== undefined) await uploads.giveUp(course.begun)',
    to: '',
    tests: hostile,
  },
  {
    does: 'keeps the room of an upload that nobody has heard of for a day',
    file: 'src/uploads/uploads.ts',
    from: "const UNHEARD = '1 hour'",
    to: "const UNHEARD = '24 hours'",
    tests: ['tests/uploads/quota.test.ts'],
  },
  {
    does: 'leaves the bytes of a file that was deleted while it was made',
    file: 'src/uploads/finishing.ts',
    from: 'await storage.remove(id)',
    to: '',
    tests: hostile,
  },
  {
    does: 'lets a client begin anew while the database is away',
    file: 'src/uploads/routes.ts',
    from: 'if (!isAway(error)) throw error',
    to: 'if (isAway(error)) throw error',
    tests: protocol,
  },
  {
    does: 'sweeps an upload that somebody works on',
    file: 'src/uploads/uploads.ts',
    from: 'and coalesce(held_until < now(), true)`',
    to: '`',
    tests: ['tests/uploads/sweep.test.ts'],
  },
]
