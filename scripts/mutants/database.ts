import type { Mutant } from './mutant.ts'

/** What the running service may do in its database. */
export const database: readonly Mutant[] = [
  {
    does: 'lets the service change and delete audit rows',
    file: 'src/service-role.ts',
    from: "audit_log: 'select, insert',",
    to: "audit_log: 'select, insert, update, delete',",
    tests: ['tests/start/service-role.test.ts'],
  },
  {
    does: 'acts as the owner of the tables',
    file: 'src/migrate.ts',
    from: '...(admitted && { role: SERVICE_ROLE })',
    to: '...(admitted && {})',
    tests: ['tests/start/service-role.test.ts'],
  },
  {
    does: 'leaves the role what somebody has granted it beside',
    file: 'src/service-role.ts',
    from: 'revoke all on ${object} from ${SERVICE_ROLE}; ',
    to: '',
    tests: ['tests/start/service-role.test.ts'],
  },
]
