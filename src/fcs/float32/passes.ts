import { type Batch, createFill, keepFinite } from '../batch.ts'
import { blockRows, createBlocks } from '../block.ts'
import type { UniformFormat } from '../format.ts'
import { addBatch, addSums } from '../moments.ts'
import type { Passes, State } from '../passes.ts'
import type { Selection } from '../selection.ts'
import { float32Kernels, LANES } from './kernels.ts'

/** Passes over events of float32 channels, some times as fast as those over any format. */
export function createFloat32Passes(
  format: UniformFormat,
  states: State[],
  selection: Selection,
): Passes {
  const kernels = float32Kernels()
  const { floats, least, most, sums, squares, below, within, lists, listPlaces } = kernels
  const channels = states.length
  const places = states.map((_, channel) => ({ offset: channel, step: channels }))
  const fill = createFill(floats.buffer, format)
  const batch: Batch = { length: 0, values: new Float64Array(blockRows(format)), masked: 0 }
  const filled = (channel: number, rows: number): Batch => {
    batch.length = rows
    fill(batch, channel)
    return batch
  }

  const addFirst = (channel: number, lane: number, rows: number) => {
    const moments = states[channel]?.moments
    if (moments === undefined) return
    const isAdded = addSums(moments, {
      count: rows,
      origin: floats[channel] ?? 0,
      sum: sums[lane] ?? 0,
      squares: squares[lane] ?? 0,
      min: least[lane] ?? 0,
      max: most[lane] ?? 0,
    })
    if (isAdded) return selection.add(channel, floats, rows, places[channel])
    const batch = filled(channel, rows)
    addBatch(moments, batch)
    selection.add(channel, batch.values, batch.length)
  }

  const addAgain = (channel: number, lane: number, rows: number) => {
    if (states[channel]?.moments.nonFinite === 0) {
      const count = within[lane] ?? 0
      selection.addOutside(channel, below[lane] ?? 0, rows - count)
      return selection.add(channel, lists, count, listPlaces[lane])
    }
    const batch = filled(channel, rows)
    keepFinite(batch)
    selection.add(channel, batch.values, batch.length)
  }

  const overGroups = (groups: Group[], onGroup: (group: Group, rows: number) => void) =>
    createBlocks(format, (events, rows) => {
      kernels.events.set(events)
      if (format.byteOrder === 'big') kernels.swap(events.length)
      for (const group of groups) onGroup(group, rows)
    })

  const groups = groupsOf(channels)
  return {
    first: () =>
      overGroups(groups, ({ begin, lanes }, rows) => {
        kernels.moments(begin, channels, rows)
        for (const lane of lanes) addFirst(begin + lane, lane, rows)
      }),
    again: () =>
      overGroups(openOf(groups, selection), ({ begin, lanes }, rows) => {
        for (const lane of lanes) kernels.setBounds(lane, selection.boundsOf(begin + lane))
        kernels.split(begin, channels, rows)
        for (const lane of lanes) addAgain(begin + lane, lane, rows)
      }),
  }
}

type Group = { begin: number; lanes: number[] }

/** Channels in fours, each in one group: the last four overlap those before, and only its new lanes count. */
function groupsOf(channels: number): Group[] {
  return Array.from({ length: Math.ceil(channels / LANES) }, (_, group) => {
    const next = group * LANES
    const begin = Math.max(0, Math.min(next, channels - LANES))
    const all = Array.from({ length: Math.min(LANES, channels) }, (_, lane) => lane)
    return { begin, lanes: all.filter((lane) => begin + lane >= next) }
  })
}

/** The groups with an open channel, and its lanes only. */
function openOf(groups: Group[], selection: Selection): Group[] {
  return groups
    .map(({ begin, lanes }) => {
      return { begin, lanes: lanes.filter((lane) => selection.isOpen(begin + lane)) }
    })
    .filter(({ lanes }) => lanes.length > 0)
}
