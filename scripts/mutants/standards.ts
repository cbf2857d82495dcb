import type { Mutant } from './mutant.ts'

/** What guards the routes that others ask about tokens: introspection, revocation, gateways. */
export const standards: readonly Mutant[] = [
  {
    does: 'tells whoever holds any token about any other',
    file: 'src/oauth/callers.ts',
    from: 'pat.authenticate(request, demand)',
    to: 'pat.authenticate(request)',
    tests: ['tests/oauth/introspect.test.ts'],
  },
  {
    does: 'takes any secret of the configured client',
    file: 'src/oauth/callers.ts',
    from: 'if (!timingSafeEqual(digest(given), expected)) {',
    to: "if (basic === '') {",
    tests: ['tests/oauth/introspect.test.ts'],
  },
  {
    does: 'vouches for a token with a list of addresses to strangers',
    file: 'src/oauth/introspection.ts',
    from: 'if (allowed_ips && !maySeeList) return INACTIVE',
    to: '',
    tests: ['tests/oauth/introspect.test.ts'],
  },
  {
    does: 'lets an old string revoke the token that replaced it',
    file: 'src/tokens/revoke-presented.ts',
    from: 'superseded_at is null as current',
    to: 'true as current',
    tests: ['tests/oauth/revoke.test.ts'],
  },
  {
    does: 'tells a gateway yes whatever the scope',
    file: 'src/gateways/routes.ts',
    from: '  return names.map((name) => {',
    to: '  return names.slice(names.length).map((name) => {',
    tests: ['tests/gateways/verify.test.ts'],
  },
  {
    does: 'answers a gateway that contradicts itself',
    file: 'src/gateways/routes.ts',
    from: 'if (original.contradicts(request)) {',
    to: 'if (original.contradicts(request) && false) {',
    tests: ['tests/gateways/verify.test.ts'],
  },
  {
    does: 'takes a misspelt scope of a gateway for none',
    file: 'src/gateways/routes.ts',
    from: 'if ([...query.keys()].some((name) => !QUERY_NAMES.includes(name))) {',
    to: 'if (QUERY_NAMES.length === 0) {',
    tests: ['tests/gateways/verify.test.ts'],
  },
  {
    does: 'takes any number of reports of leaked tokens',
    file: 'src/leaks/limit.ts',
    from: 'count(request, limitKey(address(request)))',
    to: 'count(request, crypto.randomUUID())',
    tests: ['tests/leaks/report.test.ts'],
  },
  {
    does: 'writes two rows for a token that is presented twice',
    file: 'src/tokens/revoke-presented.ts',
    from: 'if (ended.some(({ token_id }) => token_id === carried?.tokenId)) pat.recorded(request)',
    to: 'if (carried === undefined) pat.recorded(request)',
    tests: ['tests/oauth/revoke.test.ts'],
  },
  {
    does: 'answers a question of a gateway that went astray',
    file: 'src/gateways/astray.ts',
    from: 'if (!request.headers.has(REQUIRED_SCOPE)) return',
    to: 'if (request.headers.has(REQUIRED_SCOPE)) return',
    tests: ['tests/gateways/verify.test.ts'],
  },
  {
    does: 'believes what a stranger says that a token was used for',
    file: 'src/gateways/original.ts',
    from: 'isTextWithin(peer(request), blocks)',
    to: 'true || isTextWithin(peer(request), blocks)',
    tests: ['tests/gateways/verify.test.ts'],
  },
  {
    does: 'lets a token have any limit of its own',
    file: 'src/tokens/limit.ts',
    from: 'const limit = Math.min(most, token.perMinute ?? most)',
    to: 'const limit = token.perMinute ?? most',
    tests: ['tests/limits/token-limit.test.ts'],
  },
]
