import { Elysia } from 'elysia'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { refuse } from '../errors.ts'
import { readEvents } from '../fcs/index.ts'
import type { ScopeGuard } from '../guard.ts'
import { queryNumber } from '../paging.ts'
import { documented, success } from '../schema.ts'
import { Events, Parameters, Statistics } from './answers.ts'
import { chosenChannels, eventRows, requirePageFits } from './event-rows.ts'
import type { reading } from './reading.ts'

const file_id = z
  .string()
  .max(100)
  .optional()
  .describe('One of your files. Without it the built-in sample is read')
const data_set = queryNumber(1, 1000)
  .default(1)
  .describe('Which data set of the file, from 1. Most files hold one')
const OneFile = documented(z.object({ file_id, data_set }))
const EventPage = documented(
  z.object({
    file_id,
    data_set,
    limit: queryNumber(1, 1000).default(100),
    offset: queryNumber(0, 2 ** 40).default(0),
    parameters: z
      .string()
      .max(20_000, 'names of channels of this file')
      .optional()
      .describe('Names of channels, separated by commas. Without it all of them'),
  }),
)

/** A malformed id names nothing, as an unknown one does. */
function fileId(given: string | undefined): string | undefined {
  if (given === undefined || z.uuid().safeParse(given).success) return given
  throw refuse('not_found')
}

const TAG = 'FCS data'
const UNKNOWN = { 404: 'No such file of yours' }

/** Reading what is inside of FCS files. */
export function fcsDataRoutes({
  guard,
  read,
}: {
  guard: ScopeGuard
  read: ReturnType<typeof reading>
}) {
  return new Elysia({ prefix: '/api/v1/fcs' })
    .use(guard)
    .get(
      '/parameters',
      async ({ query, principal }) => {
        const { description } = await read.open(
          principal.userId,
          fileId(query.file_id),
          query.data_set,
        )
        const { total_events, parameters } = description
        return success({ total_events, total_parameters: parameters.length, parameters })
      },
      {
        scope: 'fcs:read',
        query: OneFile,
        detail: operation(TAG, 'The parameters of a file', {
          answer: [200, Parameters],
          refusals: UNKNOWN,
        }),
      },
    )
    .get(
      '/events',
      async ({ query, principal }) => {
        const { limit, offset } = query
        const { source, description } = await read.open(
          principal.userId,
          fileId(query.file_id),
          query.data_set,
        )
        const { parameters, total_events } = description
        const columns = chosenChannels(parameters, query.parameters)
        const names = columns.map((at) => parameters[at]?.pnn ?? '')
        requirePageFits(names, Math.min(limit, total_events))
        const page = await readEvents(source, description, { offset, limit, columns })
        return success({ total_events, limit, offset, events: eventRows(names, page) })
      },
      {
        scope: 'fcs:read',
        query: EventPage,
        detail: operation(TAG, 'A page of events', { answer: [200, Events], refusals: UNKNOWN }),
      },
    )
    .get(
      '/statistics',
      async ({ query, principal }) =>
        success(await read.statistics(principal.userId, fileId(query.file_id), query.data_set)),
      {
        scope: 'fcs:analyze',
        query: OneFile,
        detail: operation(TAG, 'Statistics of every channel', {
          answer: [200, Statistics],
          refusals: UNKNOWN,
        }),
      },
    )
}
