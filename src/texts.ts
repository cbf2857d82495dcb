/** Texts of objects that are printed again and again, each kept for as long as its object. */
export function keptTexts() {
  const texts = new WeakMap<object, string>()
  return (of: object, print: () => string): string => {
    const known = texts.get(of)
    if (known !== undefined) return known
    const text = print()
    texts.set(of, text)
    return text
  }
}
