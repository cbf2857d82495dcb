import ipaddr from 'ipaddr.js'

export type Peer = (request: Request) => string | null

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Block = [Address, number]

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

const wholeLength = (address: string) => (ipaddr.IPv6.isValid(address) ? 128 : 32)

/**
 * Where a request comes from, in canonical text, or null when that is unknown. The socket's peer counts.
 * X-Forwarded-For is believed only when the peer is a trusted proxy, and then from the right: the first
 * hop that is not itself a trusted proxy is the client.
 */
export function clientAddress(peer: Peer, trustedProxies: readonly string[]): Peer {
  const blocks = trustedProxies.map(parseBlock)
  const trusted = (address: Address) =>
    blocks.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    )
  const known = new WeakMap<Request, string | null>()

  const find = (request: Request): string | null => {
    const direct = peer(request)
    let address = direct === null ? null : parseAddress(direct)
    if (address === null) return null
    if (blocks.length > 0 && trusted(address)) {
      const hops = (request.headers.get('x-forwarded-for') ?? '').split(',')
      for (let hop = hops.pop(); hop !== undefined; hop = hops.pop()) {
        const forwarded = parseAddress(hop.trim())
        if (forwarded === null) break
        address = forwarded
        if (!trusted(address)) break
      }
    }
    return address.toString()
  }

  return (request) => {
    const seen = known.get(request)
    if (seen !== undefined) return seen
    const address = find(request)
    known.set(request, address)
    return address
  }
}
