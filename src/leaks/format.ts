import { ALPHABET, withChecksum } from '../plugins/pat/secret.ts'

export const REVOKE_LEAKED = '/api/v1/credentials/revoke'

/**
 * What a secret scanner has to know to find our tokens, and to tell a token from what only looks like one without asking
 * us. The examples are well-formed and were never handed out: they are no random strings.
 */
export const FORMAT = {
  name: 'pat-auth-system personal access token',
  prefix: 'pat_',
  length: 40,
  regex: '\\bpat_[0-9A-Za-z]{36}\\b',
  alphabet: ALPHABET,
  random: { characters: 30, bits: 178 },
  checksum: {
    algorithm: 'CRC-32',
    polynomial: '0x04C11DB7 (as in zlib, gzip and PNG)',
    over: 'the first 34 characters: the prefix and the random ones',
    encoding:
      'the unsigned 32-bit number in base 62 over the alphabet, most significant digit first',
    characters: 6,
    padding: '0 on the left',
  },
  examples: {
    well_formed: [
      withChecksum('pat_ThisIsNotATokenButAnExample000'),
      withChecksum(`pat_${'0'.repeat(30)}`),
    ],
    wrong_checksum: [`pat_${'0'.repeat(36)}`],
  },
  report_leaks_to: REVOKE_LEAKED,
}
