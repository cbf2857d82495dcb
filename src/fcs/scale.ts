import type { FcsDescription } from './description.ts'
import type { FcsParameter } from './parameters.ts'

/** Why events can't be given as asked for, in one sentence for a cytometrist; no values of the file. */
export class ConversionError extends Error {}

/** What a description says of how to convert values. */
export type Described = Pick<FcsDescription, 'parameters' | 'keywords'>

/** From a stored value to what was measured. */
export type Scale = (stored: number) => number

/**
 * The scale of each parameter, null where stored values are on it already. `$PnE f1,f2` with decades
 * (FCS 3.1 §3.2.20) is 10^(f1 · value / `$PnR`) · f2, where f2 = 0, which writers leave, means 1. `Time` is
 * multiplied by `$TIMESTEP`, which makes it seconds; other linear values are divided by `$PnG`.
 */
export function linearScales({ parameters, keywords }: Described): (Scale | null)[] {
  const timestep = Number(new Map(keywords).get('$TIMESTEP'))
  return parameters.map((parameter) => linearScale(parameter, timestep))
}

/** Whether a channel's stored values stand for exponents: those neither add up nor compensate. */
export function isLogAmplified({ amplification }: FcsParameter): boolean {
  return amplifier(amplification).decades > 0
}

function linearScale(parameter: FcsParameter, timestep: number): Scale | null {
  const { index, pnn, range, gain, amplification } = parameter
  const { decades, first } = amplifier(amplification)
  if (decades > 0) {
    if (range > 0) return (stored) => 10 ** ((decades * stored) / range) * first
    throw new ConversionError(`$P${index}E is logarithmic and $P${index}R is no range to scale by.`)
  }
  if (/^time$/i.test(pnn) && timestep > 0 && Number.isFinite(timestep)) {
    return (stored) => stored * timestep
  }
  return gain !== null && gain > 0 && gain !== 1 ? (stored) => stored / gain : null
}

function amplifier(amplification: string | null): { decades: number; first: number } {
  const [decades = 0, first = 0] = (amplification ?? '').split(',').map(Number)
  return { decades: Number.isFinite(decades) ? decades : 0, first: first > 0 ? first : 1 }
}
