/**
 * A queue of instants, each with an owner, and from each a link to a later one: 20 bytes an entry, and nothing is
 * allocated for one. A place is counted from the first entry that ever was, modulo 2^32.
 */
export function createQueue<T>() {
  // A ring: place p is at p modulo its length, a power of two.
  let length = 1024
  let instants = new Float64Array(length)
  let links = new Uint32Array(length)
  let owners = new Array<T | undefined>(length)
  let [first, end] = [0, 0]

  const grow = () => {
    const [oldInstants, oldLinks, oldOwners, oldLength] = [instants, links, owners, length]
    length *= 2
    instants = new Float64Array(length)
    links = new Uint32Array(length)
    owners = new Array(length)
    for (let place = first; place !== end; place = (place + 1) >>> 0) {
      const [from, to] = [place & (oldLength - 1), place & (length - 1)]
      instants[to] = oldInstants[from] ?? 0
      links[to] = oldLinks[from] ?? 0
      owners[to] = oldOwners[from]
    }
  }

  const size = () => (end - first) >>> 0

  return {
    size,
    first: () => first,
    /** Where the next one will be. */
    end: () => end,
    instant: (place: number) => instants[place & (length - 1)] ?? 0,

    push(instant: number, owner: T): void {
      if (size() === length) grow()
      const at = end & (length - 1)
      instants[at] = instant
      owners[at] = owner
      end = (end + 1) >>> 0
    },

    chain(from: number, to: number): void {
      links[from & (length - 1)] = to
    },

    /** What a place was chained to. */
    after: (place: number) => links[place & (length - 1)] ?? 0,

    /** Takes the owner from a place. */
    drop(place: number): void {
      owners[place & (length - 1)] = undefined
    },

    /** Takes the first one out: its owner, unless that was dropped, and what it was chained to. */
    shift(): { owner: T | undefined; next: number } {
      const at = first & (length - 1)
      const owner = owners[at]
      owners[at] = undefined
      first = (first + 1) >>> 0
      return { owner, next: links[at] ?? 0 }
    },
  }
}
