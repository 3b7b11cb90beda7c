// The values of the wire's binary mode, read from the front of some bytes. All throw BadFrame.

/** A frame that cannot be applied. The world is as it was: reopen with b=0. */
export class BadFrame extends Error {
  name = 'BadFrame'
}

const MAX_STR = 65535
const FARTHEST = 2 ** 52 // what a signed number on the wire can hold, less one upwards

const text = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
/** @type {Uint8Array} */
const NO_BYTES = new Uint8Array()

/**
 * What is read: bytes, position and end. One for all, for frames are applied one after the other, and
 * engines reach a constant fastest.
 */
export const r = { p: NO_BYTES, i: 0, end: 0 }

/** @param {Uint8Array} [body] none: lets go of the last one */
export function open(body = NO_BYTES) {
  r.p = body
  r.i = 0
  r.end = body.length
}

/** @param {string} why @returns {never} */
export function bad(why) {
  throw new BadFrame(`${why} at byte ${r.i}`)
}

export function u8() {
  if (r.i >= r.end) bad('unexpected end')
  return r.p[r.i++]
}

// Sums with multiplication: shifts end at 32 bits, numbers on the wire at 53.
export function uv() {
  let v = 0
  for (let m = 1, n = 0; ; m *= 128, n++) {
    const b = u8()
    if (n === 7 && b > 15) bad('number above 2^53-1')
    v += (b & 127) * m
    if (b < 128) return b || !n ? v : bad('number not in its shortest form')
  }
}

export function sv() {
  const v = uv()
  return v % 2 ? -(v + 1) / 2 : v / 2
}

/** Whether a number is one that the wire can hold. @param {number} v */
export function fits(v) {
  return v >= -FARTHEST && v < FARTHEST
}

/** @param {number} old what it is the difference to */
export function number(old) {
  const v = sv() + old
  return fits(v) ? v : bad('number out of range')
}

/** @param {number} len */
export function take(len) {
  if (len > r.end - r.i) bad('unexpected end')
  return r.p.subarray(r.i, (r.i += len))
}

export function str() {
  const len = uv()
  return len > MAX_STR ? bad('string too long') : text.decode(take(len))
}
