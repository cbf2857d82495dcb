/**
 * What is noted of requests under one name: as a property of each, which goes with it. A WeakMap would take some four times as
 * long, and a token's call looks a dozen times.
 */
export function noted<T>() {
  const key: unique symbol = Symbol()
  type Noted = { [key]?: T }
  return {
    get: (request: Request & Noted): T | undefined => request[key],
    set(request: Request & Noted, it: T): void {
      request[key] = it
    },
  }
}
