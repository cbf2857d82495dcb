import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { boundaryOf, onlyFile } from '../../src/plugins/fcs/multipart.ts'
import { Refusal } from '../../src/plugins/refusal.ts'

const BOUNDARY = 'x-y'
// Pieces of the delimiter, whole and cut, are what a content has to survive.
const piece = fc.constantFrom(
  '\r\n--x-',
  '\r\n--x-z',
  '\r\n-',
  '\r',
  '\n',
  '--x-y',
  '-',
  'FCS',
  '\r\n\r\n',
  '\0',
)
const content = fc
  .array(piece, { maxLength: 40 })
  .map((pieces) => Buffer.from(pieces.join('')))
  // A form whose file holds its own delimiter is not well made.
  .filter((bytes) => !`\r\n${bytes}`.includes(`\r\n--${BOUNDARY}`))

const form = (bytes: Buffer) =>
  Buffer.concat([
    Buffer.from(
      `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.fcs"\r\n\r\n`,
    ),
    bytes,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ])

/** The bytes in chunks that end at these places, each in memory of its own. */
async function* inChunks(bytes: Buffer, cuts: number[]) {
  const places = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b)
  for (const [at, start] of [0, ...places].entries()) {
    yield new Uint8Array(bytes.subarray(start, places[at] ?? bytes.length))
  }
}

async function read(body: AsyncIterable<Uint8Array>) {
  const names: string[] = []
  const chunks: Uint8Array[] = []
  for await (const chunk of onlyFile(body, BOUNDARY, (name) => names.push(name))) {
    chunks.push(new Uint8Array(chunk))
    // As the upload does: what was yielded may be overwritten at once.
    chunk.fill(0x58)
  }
  return { names, bytes: Buffer.concat(chunks) }
}

test('the file is the same however its form is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(content, fc.array(fc.nat(4000), { maxLength: 30 }), async (bytes, cuts) => {
      const { names, bytes: file } = await read(inChunks(form(bytes), cuts))
      expect(names).toEqual(['a.fcs'])
      expect(file.equals(bytes)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('a form that is cut off anywhere is refused', async () => {
  const whole = form(Buffer.from('FCS\r\n--x-and more'))
  const end = whole.lastIndexOf('--\r\n') + 2
  for (let length = 0; length < end; length++) {
    const refused = read(inChunks(Buffer.from(whole.subarray(0, length)), [])).catch(
      (error) => error,
    )
    const error = await refused
    expect([length, error instanceof Refusal && error.status]).toEqual([length, 400])
  }
})

test.each([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['multipart/form-data; charset=utf-8; boundary="a b:c"', 'a b:c'],
  ['multipart/form-data;BOUNDARY=abc;x=y', 'abc'],
])('the boundary of %s is found', (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary)
})
