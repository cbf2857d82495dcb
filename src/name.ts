import manifest from '../package.json' with { type: 'json' }

/** How the program calls itself: the realm of its challenges, the issuer and audience of its JWTs. */
export const NAME = manifest.name
export const VERSION = manifest.version
