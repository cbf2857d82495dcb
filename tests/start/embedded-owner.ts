// A process of its own that holds the embedded database of argv[2], for tests that kill it.
import postgres from 'postgres'
import { startEmbedded } from '../../src/embedded.ts'
import { createLog } from '../../src/log.ts'

const { url } = await startEmbedded({ dataDir: String(process.argv[2]), log: createLog('error') })
const sql = postgres(url)
await sql`create table if not exists survivors (id int)`
await sql`insert into survivors values (1)`
console.log(url)
