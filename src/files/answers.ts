import { z } from 'zod'
import { UnfinishedFile } from '../uploads/unfinished.ts'
import { FORMS } from './forms/negotiate.ts'

const { csv, ndjson, arrow } = FORMS

const display = z.enum(['LIN', 'LOG'])
const finite = z.number().nullable()

export const Parameters = z.object({
  total_events: z.int(),
  total_parameters: z.int(),
  parameters: z.array(
    // Open: more keywords of a parameter may follow.
    z.looseObject({
      index: z.int().describe('From 1'),
      pnn: z.string().describe('$PnN, made unique: the key in events'),
      pns: z.string().describe('$PnS, or $PnN without one'),
      range: z.number().describe('$PnR'),
      display,
      datatype: z.enum(['F', 'D', 'I', 'A']).describe('$DATATYPE, or $PnDATATYPE'),
      bits: z.int().describe('Width of a stored value, 0 where text makes them differ'),
      amplification: z.string().nullable().describe('$PnE'),
      gain: finite.describe('$PnG'),
    }),
  ),
})

export const Events = z.object({
  total_events: z.int(),
  limit: z.int(),
  offset: z.int(),
  events: z
    .array(z.record(z.string(), z.union([finite, z.string()])))
    .describe(
      'Values as the file stores them, unless asked for otherwise; NaN and infinities are null, integers beyond 2^53 are decimal strings',
    ),
})

/** The same events in the forms that are streamed. */
export const EVENT_FORMS = {
  [csv.mediaType]: {
    schema: {
      type: 'string',
      description: 'RFC 4180, names first; `NaN`, `Infinity`, `-Infinity`',
    },
  },
  [ndjson.mediaType]: {
    schema: { type: 'string', description: 'One JSON object a line' },
  },
  [arrow.mediaType]: {
    schema: {
      type: 'string',
      format: 'binary',
      description: 'Arrow IPC stream; every column in the type that the file stores',
    },
  },
}

export const Statistics = z.object({
  total_events: z.int(),
  statistics: z.array(
    z.object({
      parameter: z.string(),
      pns: z.string(),
      display,
      min: finite,
      max: finite,
      mean: finite,
      median: finite,
      std: finite.describe("The population's"),
      count: z.int().describe('Finite values'),
      non_finite: z.int().describe('NaN and infinities, left out of the rest'),
      masked: z.int().describe('Integers with bits beyond $PnR, which are masked off'),
      percentiles: z.record(z.string(), finite).optional().describe('By the numbers of `q`'),
    }),
  ),
})

export const Uploaded = z.object({
  file_id: z.uuid(),
  filename: z.string(),
  total_events: z.int(),
  total_parameters: z.int(),
})

export const File = z.object({
  id: z.uuid(),
  filename: z.string(),
  size_bytes: z.int(),
  sha256: z.string(),
  total_events: z.int(),
  total_parameters: z.int(),
  created_at: z.date(),
  status: z.enum(['ready']).describe('Of a file that is uploaded in pieces see `/fcs/files/{id}`'),
})

export const Files = z.object({
  files: z.array(File),
  total: z.int(),
  next_cursor: z.string().nullable(),
})

const keywords = z.record(z.string(), z.string())
const DataSet = z.object({
  version: z.string(),
  keywords,
  analysis: keywords.describe('Keywords of the ANALYSIS segment'),
  warnings: z
    .array(z.object({ code: z.string(), message: z.string() }))
    .describe('Departures from the standard that were survived'),
})

const FileDetail = File.extend(DataSet.shape).extend({
  data_sets: z
    .array(
      DataSet.extend({
        data_set: z.int().describe('From 1; `data_set` of the reading routes'),
        offset: z.int().describe('Where it begins in the file'),
        total_events: z.int(),
        total_parameters: z.int(),
      }),
    )
    .describe('All data sets of the file, the first of which the fields above describe'),
})

/** A file, or what is to become one. */
export const ShownFile = z.union([FileDetail, UnfinishedFile])

export const Deleted = z.object({ message: z.string(), file_id: z.uuid() })
