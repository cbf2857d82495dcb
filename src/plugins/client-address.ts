import { type Address, isWithin, parseAddress, parseBlock } from './address.ts'
import { noted } from './noted.ts'

export type Peer = (request: Request) => string | null

// A socket's address is read again with every request, and that takes longer than most of what a request needs.
const MOST_REMEMBERED = 10_000
const LONGEST = 64

/**
 * Where a request comes from, in canonical text, or null when that is unknown. The socket's peer counts.
 * X-Forwarded-For is believed only when the peer is a trusted proxy, and then from the right: the first
 * hop that is not itself a trusted proxy is the client.
 */
export function clientAddress(peer: Peer, trustedProxies: readonly string[]): Peer {
  const blocks = trustedProxies.map(parseBlock)
  const isTrusted = (address: Address) => isWithin(address, blocks)
  const remembered = new Map<string, Hop | null>()
  const known = noted<string | null>()

  const read = (text: string): Hop | null => {
    if (text.length > LONGEST) return null
    const seen = remembered.get(text)
    if (seen !== undefined) return seen
    const address = parseAddress(text)
    const hop = address && { address: address.toString(), trusted: isTrusted(address) }
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    remembered.set(text, hop)
    return hop
  }

  const find = (request: Request): string | null => {
    const direct = peer(request)
    let client = direct === null ? null : read(direct)
    if (client?.trusted) {
      const hops = (request.headers.get('x-forwarded-for') ?? '').split(',')
      for (let hop = hops.pop(); hop !== undefined && client.trusted; hop = hops.pop()) {
        const forwarded = read(hop.trim())
        if (forwarded === null) break
        client = forwarded
      }
    }
    return client?.address ?? null
  }

  return (request) => {
    const seen = known.get(request)
    if (seen !== undefined) return seen
    const address = find(request)
    known.set(request, address)
    return address
  }
}

type Hop = { address: string; trusted: boolean }
