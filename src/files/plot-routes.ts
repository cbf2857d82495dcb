import { Elysia } from 'elysia'
import { z } from 'zod'
import { operation } from '../docs/operation.ts'
import { refuseField } from '../errors.ts'
import { createDensity, createHistogram } from '../fcs/bins.ts'
import type { ConversionOptions } from '../fcs/conversion.ts'
import type { ScopeGuard } from '../guard.ts'
import { queryNumber } from '../paging.ts'
import { documented, success } from '../schema.ts'
import {
  type AxisQuery,
  binAxis,
  queryReal,
  topOf,
  transformField,
  transformFields,
} from './axis.ts'
import {
  conversionFields,
  conversionOf,
  convertedBlocks,
  type Extremes,
  extremesOf,
  isConverted,
} from './converted.ts'
import { data_set, file_id, fileId, TAG, UNREADABLE } from './data-routes.ts'
import { Density, Histogram } from './plot-answers.ts'
import type { reading } from './reading.ts'

const NONE: Extremes = { min: null, max: null }
const RULE = 'the name of a channel of this file'
// Two of them fit into the 16 KB that Bun takes of a request line and headers.
const channelName = z.string(RULE).max(7_000, RULE)
const end = (which: string) =>
  queryReal()
    .optional()
    .describe(
      `The ${which} end of the axis. Without it that of the values, or of the logicle scale`,
    )

const HistogramQuery = documented(
  z.object({
    file_id,
    data_set,
    parameter: channelName.describe('The name of a channel'),
    bins: queryNumber(1, 1024).default(256),
    transform: transformField.default('linear').describe('Bins are equally wide on this axis'),
    min: end('lower'),
    max: end('upper'),
    ...transformFields,
    ...conversionFields,
  }),
)
const DensityQuery = documented(
  z.object({
    file_id,
    data_set,
    x: channelName.describe('The name of a channel'),
    y: channelName.describe('The name of a channel'),
    bins: queryNumber(1, 512).default(128).describe('Along each axis'),
    transform: transformField.default('linear').describe('Bins are equally wide on these axes'),
    x_transform: transformField.optional().describe('In place of `transform`'),
    y_transform: transformField.optional().describe('In place of `transform`'),
    x_min: end('lower'),
    x_max: end('upper'),
    y_min: end('lower'),
    y_max: end('upper'),
    ...transformFields,
    ...conversionFields,
  }),
)

/** Counts for plots: a file of millions of events as some kilobytes. */
export function plotRoutes({
  guard,
  read,
}: {
  guard: ScopeGuard
  read: ReturnType<typeof reading>
}) {
  /** The file and how to convert the channels named; the extremes of each, of stored values known since the upload. */
  async function openPlot(
    request: Request,
    owner: string,
    query: ConversionOptions & { file_id?: string | undefined; data_set: number },
    names: Record<string, string>,
  ) {
    const id = fileId(query.file_id)
    const file = await read.open(owner, id, query.data_set)
    const channels = Object.entries(names).map(([field, name]) => {
      const at = file.description.parameters.findIndex(({ pnn }) => pnn === name.trim())
      if (at < 0) throw refuseField(field, RULE)
      return at
    })
    const { scale, compensated } = query
    const conversion = conversionOf(file.description, channels, { scale, compensated })
    let found: Promise<Extremes[]> | undefined
    const extremes = async (at: number): Promise<Extremes> => {
      found ??= isConverted(query)
        ? extremesOf(convertedBlocks(file, conversion, request), channels.length)
        : read
            .statistics(owner, id, query.data_set)
            .then(({ statistics }) => channels.map((channel) => statistics[channel] ?? NONE))
      return (await found)[at] ?? NONE
    }
    const axis = (at: number, asked: AxisQuery, bins: number, prefix = '') =>
      binAxis(asked, bins, topOf(file, channels[at] ?? 0, scale), () => extremes(at), prefix)
    return { file, axis, blocks: () => convertedBlocks(file, conversion, request) }
  }

  return new Elysia({ prefix: '/api/v1/fcs' })
    .use(guard)
    .get(
      '/histogram',
      async ({ request, query, principal }) => {
        const { parameter } = query
        const { file, axis, blocks } = await openPlot(request, principal.userId, query, {
          parameter,
        })
        const { transform, edges } = await axis(0, query, query.bins)
        const histogram = createHistogram(edges)
        for await (const [values = new Float64Array()] of blocks()) histogram.add(values)
        return success({
          total_events: file.description.total_events,
          parameter: parameter.trim(),
          transform,
          edges: [...edges],
          ...histogram.result(),
        })
      },
      {
        scope: 'fcs:analyze',
        query: HistogramQuery,
        detail: operation(TAG, 'A histogram of one channel', {
          answer: [200, Histogram],
          refusals: UNREADABLE,
        }),
      },
    )
    .get(
      '/density',
      async ({ request, query, principal }) => {
        const { x, y, bins, transform } = query
        const { file, axis, blocks } = await openPlot(request, principal.userId, query, { x, y })
        const { x_transform = transform, x_min, x_max } = query
        const { y_transform = transform, y_min, y_max } = query
        const across = await axis(
          0,
          { ...query, transform: x_transform, min: x_min, max: x_max },
          bins,
          'x_',
        )
        const up = await axis(
          1,
          { ...query, transform: y_transform, min: y_min, max: y_max },
          bins,
          'y_',
        )
        const density = createDensity(across.edges, up.edges)
        for await (const [xs = new Float64Array(), ys = xs] of blocks()) density.add(xs, ys)
        return success({
          total_events: file.description.total_events,
          x: { parameter: x.trim(), transform: across.transform, edges: [...across.edges] },
          y: { parameter: y.trim(), transform: up.transform, edges: [...up.edges] },
          ...density.result(),
        })
      },
      {
        scope: 'fcs:analyze',
        query: DensityQuery,
        detail: operation(TAG, 'A density plot of two channels', {
          answer: [200, Density],
          refusals: UNREADABLE,
        }),
      },
    )
}
