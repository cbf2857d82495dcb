/** The npm package `fcs`, as far as tests use it for a second opinion. */
declare module 'fcs' {
  type Options = { dataFormat: 'asNumber'; eventsToRead: number }
  export default class FCS {
    constructor(options: Options, file: Buffer)
    readonly text: Record<string, string>
    readonly dataAsNumbers: number[][]
  }
}
