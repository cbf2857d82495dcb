import { type Address, isWithin, parseAddress, parseBlock } from './address.ts'

export type Peer = (request: Request) => string | null

/**
 * Where a request comes from, in canonical text, or null when that is unknown. The socket's peer counts.
 * X-Forwarded-For is believed only when the peer is a trusted proxy, and then from the right: the first
 * hop that is not itself a trusted proxy is the client.
 */
export function clientAddress(peer: Peer, trustedProxies: readonly string[]): Peer {
  const blocks = trustedProxies.map(parseBlock)
  const trusted = (address: Address) => isWithin(address, blocks)
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
