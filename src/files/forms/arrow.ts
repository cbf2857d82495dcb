import { Buffer } from 'node:buffer'
import {
  AsyncByteQueue,
  Field,
  makeData,
  makeVector,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  type TypeMap,
} from 'apache-arrow'
import { release } from '../../fcs/release.ts'
import type { Form, Values } from './form.ts'

/**
 * The Arrow IPC streaming format: a schema, a record batch per block, an end mark. Every column has the type that
 * the file stores, so float32 stays float32, and NaN is a value of it, not a null.
 */
export const arrow: Form = {
  mediaType: 'application/vnd.apache.arrow.stream',
  contentType: 'application/vnd.apache.arrow.stream',
  extension: 'arrows',
  // The description of a batch costs as much as some thousand values.
  blockValues: 262_144,
  async *write(names, blocks) {
    let written: Uint8Array[] = []
    // The writer's own queue can't be emptied without waiting for more.
    const sink = Object.assign(new AsyncByteQueue(), {
      write(bytes: Uint8Array) {
        written.push(bytes)
      },
    })
    const taken = () => {
      const bytes = Buffer.concat(written)
      written = []
      return bytes
    }
    const writer = new RecordBatchStreamWriter().reset(sink)
    for await (const columns of blocks) {
      writer.write(recordBatch(names, columns))
      const bytes = taken()
      for (const values of columns) release(values)
      yield bytes
    }
    writer.close()
    yield taken()
  },
}

function recordBatch(names: readonly string[], columns: readonly Values[]): RecordBatch {
  const children = columns.flatMap((values) => makeVector(values).data)
  const fields = children.map(({ type }, at) => new Field(names[at] ?? '', type, false))
  const type = new Struct<TypeMap>(fields)
  const length = columns[0]?.length ?? 0
  return new RecordBatch(new Schema(fields), makeData({ type, length, nullCount: 0, children }))
}
