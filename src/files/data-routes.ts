import { Elysia } from 'elysia'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { refuse } from '../errors.ts'
import type { ScopeGuard } from '../guard.ts'
import { queryNumber } from '../paging.ts'
import { documented, success } from '../schema.ts'
import { Events, Parameters, Statistics } from './answers.ts'
import { conversionFields, isConverted, pageReader } from './converted.ts'
import { measuredStatistics, quantileList } from './converted-statistics.ts'
import { chosenChannels, eventRows, requirePageFits } from './event-rows.ts'
import type { reading } from './reading.ts'

export const file_id = z
  .string()
  .max(100)
  .optional()
  .describe('One of your files. Without it the built-in sample is read')
const OneFile = documented(z.object({ file_id }))
const StatisticsQuery = documented(z.object({ file_id, ...conversionFields, q: quantileList }))
const EventPage = documented(
  z.object({
    file_id,
    limit: queryNumber(1, 1000).default(100),
    offset: queryNumber(0, 2 ** 40).default(0),
    parameters: z
      .string()
      .max(20_000, 'names of channels of this file')
      .optional()
      .describe('Names of channels, separated by commas. Without it all of them'),
    ...conversionFields,
  }),
)

/** A malformed id names nothing, as an unknown one does. */
export function fileId(given: string | undefined): string | undefined {
  if (given === undefined || z.uuid().safeParse(given).success) return given
  throw refuse('not_found')
}

export const TAG = 'FCS data'
export const UNKNOWN = { 404: 'No such file of yours' }

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
        const { description } = await read.open(principal.userId, fileId(query.file_id))
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
        const file = await read.open(principal.userId, fileId(query.file_id))
        const { parameters, total_events } = file.description
        const columns = chosenChannels(parameters, query.parameters)
        const names = columns.map((at) => parameters[at]?.pnn ?? '')
        requirePageFits(names, Math.min(limit, total_events))
        const page = await pageReader(file, columns, query)({ offset, limit })
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
      async ({ request, query, principal }) => {
        const id = fileId(query.file_id)
        const stored = await read.statistics(principal.userId, id)
        if (!isConverted(query) && query.q === undefined) return success(stored)
        const file = await read.open(principal.userId, id)
        const statistics = await measuredStatistics(request, file, stored.statistics, query)
        return success({ total_events: stored.total_events, statistics })
      },
      {
        scope: 'fcs:analyze',
        query: StatisticsQuery,
        detail: operation(TAG, 'Statistics of every channel', {
          answer: [200, Statistics],
          refusals: UNKNOWN,
        }),
      },
    )
}
