/** UTF-8, and Latin-1 where that fails. NUL is left out: it is padding, and databases refuse it. */
export function createDecoder() {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  // A Latin-1 byte is its character's number; TextDecoder takes `latin1` for Windows-1252.
  const utf16 = new TextDecoder('utf-16le', { ignoreBOM: true })
  let latin1 = false
  return {
    usedLatin1: () => latin1,
    decode(bytes: Uint8Array): string {
      const isUtf = isUtf8(bytes)
      if (!isUtf) latin1 = true
      const text = isUtf ? utf8.decode(bytes) : utf16.decode(new Uint16Array(bytes))
      return text.includes('\0') ? text.replaceAll('\0', '') : text
    },
  }
}

/**
 * Whether bytes are well-formed UTF-8 (Unicode, table 3-7). A decoder that throws where they are not
 * takes seconds of a hostile TEXT: one exception for every value.
 */
function isUtf8(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i] ?? 0
    i++
    if (first < 0x80) continue
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0
    if (more === 0) return false
    const second = bytes[i] ?? 0
    // Neither longer than need be, nor a surrogate, nor beyond U+10FFFF.
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (second < least || second > most) return false
    for (let at = i + 1; at < i + more; at++) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return false
    i += more
  }
  return true
}
