import { Elysia } from 'elysia'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { refuse, refuseField } from '../errors.ts'
import type { ScopeGuard } from '../guard.ts'
import { queryNumber } from '../paging.ts'
import { after } from '../plugins/around.ts'
import { documented, success } from '../schema.ts'
import { EVENT_FORMS, Events, Parameters, Statistics } from './answers.ts'
import { conversionFields, isConverted, pageReader } from './converted.ts'
import { measuredStatistics, quantileList } from './converted-statistics.ts'
import { etagOf, JSON_TYPE, taggedAnswer } from './etag.ts'
import { chosenChannels, eventRows, requirePageFits } from './event-rows.ts'
import { streamEvents } from './forms/answer.ts'
import { chosenForm, FORMATS } from './forms/negotiate.ts'
import { inOnePiece } from './in-one-piece.ts'
import { printedPages } from './printed-pages.ts'
import type { reading } from './reading.ts'

export const file_id = z
  .string()
  .optional()
  .describe('One of your files. Without it the built-in sample is read')
export const data_set = queryNumber(1, 1000)
  .default(1)
  .describe('Which data set of the file, from 1. Most files hold one')
const OneFile = documented(z.object({ file_id, data_set }))
const StatisticsQuery = documented(
  z.object({ file_id, data_set, ...conversionFields, q: quantileList }),
)
const EventPage = documented(
  z.object({
    file_id,
    data_set,
    limit: queryNumber(1, 2 ** 40)
      .optional()
      .describe('JSON: at most 1000, and 100 without it. Other forms: all that follow without it'),
    offset: queryNumber(0, 2 ** 40).default(0),
    parameters: z
      .string()
      .max(15_000, 'names of channels of this file')
      .optional()
      .describe('Names of channels, separated by commas. Without it all of them'),
    format: z
      .enum(FORMATS, FORMATS.join(', '))
      .optional()
      .describe('The form of the answer. Without it `Accept` decides'),
    ...conversionFields,
  }),
)

/** A malformed id names nothing, as an unknown one does. */
export function fileId(given: string | undefined): string | undefined {
  if (given === undefined || z.uuid().safeParse(given).success) return given
  throw refuse('not_found')
}

export const TAG = 'FCS data'
const UNKNOWN = { 404: 'No such file of yours' }
export const UNREADABLE = { ...UNKNOWN, 410: 'The bytes of the file are lost' }
const KNOWN = { 304: 'The client has this answer' }

/** Of a page of JSON, which is made in memory. */
const MOST_JSON = 1000

/** Reading what is inside of FCS files. */
export function fcsDataRoutes({
  guard,
  read,
}: {
  guard: ScopeGuard
  read: ReturnType<typeof reading>
}) {
  const printed = printedPages()
  return new Elysia({ prefix: '/api/v1/fcs' })
    .use(guard)
    .get(
      '/parameters',
      ({ request, query, principal }) => {
        const file = read.open(principal.userId, fileId(query.file_id), query.data_set)
        return after(file, ({ description, sha256 }) =>
          taggedAnswer(
            request,
            etagOf({ sha256 }),
            description,
            ({ total_events, parameters }) => ({
              total_events,
              total_parameters: parameters.length,
              parameters,
            }),
          ),
        )
      },
      {
        scope: 'fcs:read',
        query: OneFile,
        detail: operation(TAG, 'The parameters of a file', {
          answer: [200, Parameters],
          alsoAnswers: KNOWN,
          refusals: UNKNOWN,
        }),
      },
    )
    .get(
      '/events',
      async ({ request, query, principal, set }) => {
        set.headers.vary = 'Accept'
        const form = chosenForm(query.format, request.headers.get('accept'))
        const limit = query.limit ?? (form ? Number.POSITIVE_INFINITY : 100)
        if (!form && limit > MOST_JSON) {
          throw refuseField('limit', `a whole number from 1 to ${MOST_JSON}`)
        }
        const { offset } = query
        const file = await read.open(principal.userId, fileId(query.file_id), query.data_set)
        const { parameters, total_events } = file.description
        const columns = chosenChannels(parameters, query.parameters)
        const names = columns.map((at) => parameters[at]?.pnn ?? '')
        const readPage = pageReader(file, columns, query)
        if (form) return streamEvents(request, form, file, { offset, limit, names, readPage })
        requirePageFits(names, Math.min(limit, total_events))
        const key = [file.sha256, query.data_set, offset, limit, query.scale, query.compensated]
        const page = await printed([...key, ...columns].join(' '), async () => {
          const events = eventRows(names, await readPage({ offset, limit }))
          return JSON.stringify(success({ total_events, limit, offset, events }))
        })
        return new Response(inOnePiece(page), { headers: { 'content-type': JSON_TYPE } })
      },
      {
        scope: 'fcs:read',
        query: EventPage,
        detail: operation(TAG, 'Events, a page or all of them', {
          description: 'As JSON by the page, or streamed as CSV, NDJSON or Arrow IPC.',
          answer: [200, Events, EVENT_FORMS],
          refusals: UNREADABLE,
        }),
      },
    )
    .get(
      '/statistics',
      async ({ request, query, principal }) => {
        const id = fileId(query.file_id)
        const stored = await read.statistics(principal.userId, id, query.data_set)
        const { total_events } = stored
        if (isConverted(query) || query.q !== undefined) {
          const file = await read.open(principal.userId, id, query.data_set)
          const statistics = await measuredStatistics(request, file, stored.statistics, query)
          return success({ total_events, statistics })
        }
        return taggedAnswer(request, etagOf(stored), stored.statistics, (statistics) => ({
          total_events,
          statistics,
        }))
      },
      {
        scope: 'fcs:analyze',
        query: StatisticsQuery,
        detail: operation(TAG, 'Statistics of every channel', {
          answer: [200, Statistics],
          alsoAnswers: KNOWN,
          refusals: UNREADABLE,
        }),
      },
    )
}
