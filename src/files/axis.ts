import { z } from 'zod'
import { refuseField } from '../errors.ts'
import { type AxisScale, asinh, binEdges, linear, log } from '../fcs/bins.ts'
import type { FcsParameter } from '../fcs/index.ts'
import { createLogicle, logicleProblem } from '../fcs/logicle.ts'
import { linearScales } from '../fcs/scale.ts'
import type { Extremes } from './converted.ts'
import type { Readable } from './reading.ts'

export const TRANSFORMS = ['linear', 'log', 'asinh', 'logicle'] as const

/** What one axis of a plot was asked to be. */
export type AxisQuery = {
  transform: (typeof TRANSFORMS)[number]
  min?: number | undefined
  max?: number | undefined
  cofactor: number
  T?: number | undefined
  W: number
  M: number
  A: number
}

/** Decades that an axis shows of values that begin at zero or below, where no logarithm is. */
const LOG_DECADES = 4.5

/** A number in a query, of a size that computing with it keeps finite. */
export const queryReal = (rule = 'a number') =>
  z
    .string()
    .regex(/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$/, rule)
    .max(40, rule)
    .transform(Number)
    .meta({ type: 'number' })

export const transformField = z.enum(TRANSFORMS, TRANSFORMS.join(', '))

/** What the transforms are adjusted with. */
export const transformFields = {
  cofactor: queryReal('a number above 0')
    .refine((value) => value > 0, 'a number above 0')
    .default(150)
    .describe('Of asinh'),
  T: queryReal().optional().describe('Of logicle: top of scale. Without it `$PnR`'),
  W: queryReal().default(0.5).describe('Of logicle: decades of the linear part'),
  M: queryReal().default(4.5).describe('Of logicle: decades of the whole scale'),
  A: queryReal().default(0).describe('Of logicle: additional decades of negative values'),
}

/**
 * The edges of an axis's bins, and how it was transformed; `field` names the query's minimum and maximum. `extremes` is
 * asked for when the values decide.
 */
export async function binAxis(
  query: AxisQuery,
  bins: number,
  top: number,
  extremes: () => Promise<Extremes>,
  prefix = '',
) {
  const { scale, transform } = transformOf(query, top)
  const range =
    query.transform === 'logicle'
      ? { min: scale.value(0), max: query.T ?? top }
      : query.min === undefined || query.max === undefined
        ? valuesRange(query.transform, await extremes())
        : { min: query.min, max: query.max }
  const min = query.min ?? range.min
  const max = query.max ?? range.max
  if (query.transform === 'log' && !(min > 0)) {
    throw refuseField(`${prefix}min`, 'above 0 on a logarithmic axis')
  }
  if (!(min < max)) throw refuseField(`${prefix}max`, `above ${prefix}min`)
  return { transform, edges: binEdges(scale, min, max, bins) }
}

/** The scale that the query names, with the numbers in effect. */
function transformOf(query: AxisQuery, top: number): { scale: AxisScale; transform: object } {
  const { transform: name, cofactor, W, M, A } = query
  if (name === 'linear') return { scale: linear, transform: { name } }
  if (name === 'log') return { scale: log, transform: { name } }
  if (name === 'asinh') return { scale: asinh(cofactor), transform: { name, cofactor } }
  const T = query.T ?? top
  const problem = logicleProblem({ t: T, w: W, m: M, a: A })
  if (problem !== null) throw refuseField(problem.charAt(0), problem)
  const { scale, inverse } = createLogicle({ t: T, w: W, m: M, a: A })
  return { scale: { place: scale, value: inverse }, transform: { name, T, W, M, A } }
}

function valuesRange(transform: AxisQuery['transform'], extremes: Extremes) {
  const { min, max } = extremes
  if (min === null || max === null)
    return transform === 'log' ? { min: 1, max: 10 } : { min: 0, max: 1 }
  if (transform === 'log') {
    // Values of zero and below have no place on it.
    if (max <= 0) return { min: 1, max: 10 }
    if (min <= 0) return { min: max / 10 ** LOG_DECADES, max }
    return min < max ? { min, max } : { min: min / 2, max: max * 2 }
  }
  return min < max ? { min, max } : { min: min - 0.5, max: max + 0.5 }
}

/** `$PnR` on the scale that values are given on: the top of a logicle axis. */
export function topOf({ description }: Readable, channel: number, scale: 'raw' | 'linear'): number {
  const parameter: FcsParameter | undefined = description.parameters[channel]
  const range = parameter?.range ?? 0
  return scale === 'raw' ? range : (linearScales(description)[channel]?.(range) ?? range)
}
