import ipaddr from 'ipaddr.js'

export type Address = ipaddr.IPv4 | ipaddr.IPv6
export type Block = [Address, number]

/**
 * The address itself; an IPv4-mapped IPv6 address is the IPv4 one, and a zone (`fe80::1%eth0`) is left out,
 * for it names our interface and not the client. Null when it is not an address.
 */
export function parseAddress(text: string): Address | null {
  const [address = ''] = text.split('%')
  return ipaddr.isValid(address) ? ipaddr.process(address) : null
}

/** Parses a CIDR block or a single address; throws on anything else. A block of mapped addresses is one of IPv4. */
export function parseBlock(text: string): Block {
  const [network, bits] = ipaddr.parseCIDR(
    text.includes('/') ? text : `${text}/${wholeLength(text)}`,
  )
  return network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && bits >= 96
    ? [network.toIPv4Address(), bits - 96]
    : [network, bits]
}

/** The blocks of a list as PostgreSQL writes them: there a block of mapped addresses is one of IPv6. */
export const parseBlocks = (list: readonly string[]): Block[] =>
  list.map((text) => ipaddr.parseCIDR(text))

/** Whether an address is in one of the blocks, as `inet <<= any(cidr[])` has it: kinds do not mix. */
export function isWithin(address: Address, blocks: readonly Block[]): boolean {
  return blocks.some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  )
}

/** The same of an address in text; one that is unknown or malformed is in no block. */
export function isTextWithin(text: string | null, blocks: readonly Block[]): boolean {
  const address = parseAddress(text ?? '')
  return address !== null && isWithin(address, blocks)
}

const wholeLength = (address: string) => (ipaddr.IPv6.isValid(address) ? 128 : 32)

/**
 * An address or CIDR block in its canonical text, IPv4 for an IPv4-mapped one. Null when it is neither, when it is
 * written as programs disagree about, or when a block has host bits, which say that an address was meant.
 */
export function canonicalBlock(given: string): string | null {
  const [address = '', bits] = given.split('/')
  if (!isUnambiguous(address)) return null
  if (bits === undefined) return parseBlock(given)[0].toString()
  if (!ipaddr.isValidCIDR(given)) return null
  const [network, length] = parseBlock(given)
  return hasHostBits(network, length) ? null : `${network}/${length}`
}

/** Not inet_aton's forms (010.0.0.1, 1.2.3, 0x7f.1), and no zone, which means something on one machine only. */
function isUnambiguous(address: string): boolean {
  if (/(^|[.:])0\d+\.|\.0\d+$/.test(address)) return false
  return ipaddr.IPv6.isValid(address)
    ? !address.includes('%')
    : ipaddr.IPv4.isValidFourPartDecimal(address)
}

function hasHostBits(network: Address, length: number): boolean {
  const hostBits = (at: number) => 0xff >> Math.min(8, Math.max(0, length - at * 8))
  return network.toByteArray().some((byte, at) => (byte & hostBits(at)) !== 0)
}
