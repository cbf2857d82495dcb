import { afterAll } from 'bun:test'
import { stopTestServer } from './postgres.ts'

afterAll(stopTestServer)
