import { z } from 'zod'

const transform = z
  .looseObject({ name: z.string() })
  .describe('The transform of the axis, with the numbers in effect')
const edges = z
  .array(z.number())
  .describe('Of the bins, as values: a bin has its lower edge, the last one also its upper edge')
const non_finite = z.int().describe('Events of NaN or an infinity')

export const Histogram = z.object({
  total_events: z.int(),
  parameter: z.string(),
  transform,
  edges,
  counts: z.array(z.int()).describe('One fewer than edges'),
  below: z.int(),
  above: z.int(),
  non_finite,
})

const axis = z.object({ parameter: z.string(), transform, edges })

export const Density = z.object({
  total_events: z.int(),
  x: axis,
  y: axis,
  counts: z
    .array(z.int())
    .describe(
      'Row after row from the lowest y: the count at bins (i, j) of x and y is j × bins + i',
    ),
  outside: z.int().describe('Events beyond an edge of x or y'),
  non_finite,
})
