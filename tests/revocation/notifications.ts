import { Transform } from 'node:stream'

/** Says whether notifications pass. */
export type Hearing = { on: boolean }

/** What PostgreSQL answers on one connection, without its notifications while `hearing` is off. */
export function notifications(hearing: Hearing): Transform {
  let rest = Buffer.alloc(0)
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = Buffer.concat([rest, chunk])
      // Each message is a letter, and a length that counts itself.
      while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
        const end = 1 + rest.readUInt32BE(1)
        if (hearing.on || rest[0] !== 'A'.charCodeAt(0)) this.push(rest.subarray(0, end))
        rest = rest.subarray(end)
      }
      done()
    },
  })
}
