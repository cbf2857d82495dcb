/** One run of a job; NaN for a peak that this system doesn't tell. */
export type Measured = { ms: number; rssMegabytes: number }

/** A job that the system lacks gives null. */
export type Measure = (job: string) => Promise<Measured | null>

/**
 * Runs the two jobs of each pair in turns, and prints medians, and the median of the ratios taken pair by pair: what slows
 * the machine down for a while slows down both.
 */
export async function compare(
  pairs: [ours: string, theirs: string][],
  rounds: number,
  measure: Measure,
): Promise<void> {
  console.log(row(['job', 'against', 'ms', 'ms', 'time ratio', 'peak MB', 'peak MB']))
  for (const [ours, theirs] of pairs) {
    const runs: [Measured, Measured][] = []
    for (let round = 0; round < rounds; round++) {
      const [a, b] = [await measure(ours), await measure(theirs)]
      if (a && b) runs.push([a, b])
    }
    console.log(row([ours, theirs, ...(runs.length > 0 ? figures(runs) : ['not here'])]))
  }
  console.log()
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function figures(runs: [Measured, Measured][]): string[] {
  const [a, b] = [runs.map(([ours]) => ours), runs.map(([, theirs]) => theirs)]
  return [
    median(a.map(({ ms }) => ms)).toPrecision(3),
    median(b.map(({ ms }) => ms)).toPrecision(3),
    median(runs.map(([ours, theirs]) => ours.ms / theirs.ms)).toFixed(2),
    median(a.map(({ rssMegabytes }) => rssMegabytes)).toFixed(0),
    median(b.map(({ rssMegabytes }) => rssMegabytes)).toFixed(0),
  ]
}

function row(cells: string[]): string {
  return cells.map((cell, at) => cell.padEnd(at < 2 ? 26 : 12)).join('')
}
