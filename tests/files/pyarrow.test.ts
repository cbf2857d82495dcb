import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { readEvents } from '../../src/fcs/index.ts'
import { loadSample } from '../../src/files/sample.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { cytometrist } from './kit.ts'

const python = ['python3', '-c']
const hasPyArrow = Bun.spawnSync([...python, 'import pyarrow'], { stderr: 'ignore' }).success
if (!hasPyArrow) console.log('No python3 with PyArrow: its tests are left out.')

// `buffers()[1]` is the memory of a column's values, and may end with padding.
const READ = `
import hashlib, json, pyarrow, sys
table = pyarrow.ipc.open_stream(sys.stdin.buffer.read()).read_all()
table.validate(full=True)
columns = [column.combine_chunks() for column in table.columns]
print(json.dumps({
  "rows": table.num_rows,
  "names": table.schema.names,
  "types": [str(column.type) for column in columns],
  "nulls": [column.null_count for column in columns],
  "values": [[str(value) for value in column[:5].to_pylist()] for column in columns],
  "sha256": [
    hashlib.sha256(column.buffers()[1].to_pybytes()[:column.nbytes]).hexdigest() for column in columns
  ],
}))`

let api: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  api = await testApp()
  me = await cytometrist(api)
})
afterAll(() => api.close())

async function readByPyArrow(query: string) {
  const path = `/api/v1/fcs/events?format=arrow&${query}`
  const answer = await api.app.handle(api.request('GET', path, { bearer: me.bearer }))
  const child = Bun.spawn([...python, READ], { stdin: await answer.blob(), stdout: 'pipe' })
  return JSON.parse(await new Response(child.stdout).text())
}

describe.skipIf(!hasPyArrow)('PyArrow reads', () => {
  test('the whole sample, to the bit', async () => {
    const { source, description } = await loadSample()
    const columns = await readEvents(source, description, {
      ...{ offset: 0, limit: description.total_events },
      columns: description.parameters.map((_, at) => at),
    })
    expect(await readByPyArrow('')).toMatchObject({
      rows: 34297,
      names: description.parameters.map(({ pnn }) => pnn),
      types: columns.map(() => 'float'),
      nulls: columns.map(() => 0),
      sha256: columns.map(({ buffer, byteOffset, byteLength }) =>
        createHash('sha256')
          .update(new Uint8Array(buffer, byteOffset, byteLength))
          .digest('hex'),
      ),
    })
  })

  test('every type that a file stores, and what is no number', async () => {
    const columns = [
      [0.5, Number.NaN, Number.POSITIVE_INFINITY],
      [0.1, -1e300, 0],
      [1, 2, 4294967295],
      [0n, 9007199254740993n, 18446744073709551615n],
    ]
    const parameters = [
      { name: 'F' },
      { name: 'D', datatype: 'D' as const },
      { name: 'I', datatype: 'I' as const, range: 2 ** 32 },
      { name: 'I64', datatype: 'I' as const, bits: 64, range: 2n ** 64n },
    ]
    const id = await me.file(new Uint8Array(writeFcs({ version: 'FCS3.2', parameters, columns })))
    expect(await readByPyArrow(`file_id=${id}`)).toMatchObject({
      rows: 3,
      types: ['float', 'double', 'uint32', 'uint64'],
      values: [
        ['0.5', 'nan', 'inf'],
        ['0.1', '-1e+300', '0.0'],
        ['1', '2', '4294967295'],
        ['0', '9007199254740993', '18446744073709551615'],
      ],
    })
  })

  test('a page past the end, as a table of no rows', async () => {
    expect(await readByPyArrow('offset=34297&parameters=Time')).toMatchObject({
      rows: 0,
      names: ['Time'],
      types: ['float'],
    })
  })
})
