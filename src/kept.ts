/** What is made again and again of the same objects: each time the same, and kept for as long as its object. */
export function kept<T>() {
  const all = new WeakMap<object, T>()
  return (of: object, make: () => T): T => {
    const known = all.get(of)
    if (known !== undefined) return known
    const made = make()
    all.set(of, made)
    return made
  }
}
