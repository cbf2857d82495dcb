// The framework alone, in a process of its own: what the service is compared with.
import { Elysia } from 'elysia'

const app = new Elysia().get('/', () => 'ok').listen({ port: 0, hostname: '127.0.0.1' })
console.log(JSON.stringify({ event: 'listening', url: app.server?.url.origin }))
