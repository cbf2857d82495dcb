/** One guard taken out, and the tests that have to notice. */
export type Mutant = {
  /** What the service then does. */
  does: string
  file: string
  /** Stands in the file exactly once. */
  from: string
  to: string
  /** Files of tests, as few as notice it. */
  tests: readonly string[]
}
