import { z } from 'zod'

/** What the compose files say of any service; each file has more in a form of its own. */
export const composeService = z.object({
  image: z.string().optional(),
  user: z.string().optional(),
  ports: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string().nullable()).default({}),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  command: z.array(z.string()).default([]),
  read_only: z.boolean(),
  tmpfs: z.union([z.string(), z.array(z.string())]),
  cap_drop: z.array(z.string()),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()),
  restart: z.string(),
  stop_grace_period: z.string(),
})
