import { afterAll } from 'bun:test'
import { stopTestServer, testServer } from './postgres.ts'

// Before any test, for on a busy machine the first start can take longer than a hook may.
await testServer()

afterAll(stopTestServer)
