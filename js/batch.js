// Events of this client → a binary batch (docs/protocol.md, batch).
import { buttons } from './buttons.js'

/**
 * One event as JSON mode writes it: [type, arguments…, and perhaps frames after the event before it].
 * @typedef {[type: string, ...args: any[]]} Event
 */

const KINDS = ['down', 'up', 'ptr', 'wheel', 'touch', 'axis', 'text', 'blur']
const ARGS = [1, 1, 2, 2, 4, 2, 1, 0]
const CUSTOM = 8
const PHASES = ['start', 'move', 'end', 'cancel']
const FARTHEST = 2 ** 51 - 1 // half units: the difference of two still fits the wire

const utf8 = new TextEncoder()

/** Whether a type can be that of a custom event. @param {string} type */
export function isCustom(type) {
  return /^[a-z0-9_.-]{1,32}$/.test(type) && !KINDS.includes(type)
}

/** @param {number[]} out @param {number} v */
function uv(out, v) {
  for (; v > 127; v = Math.floor(v / 128)) out.push((v % 128) + 128)
  out.push(v)
}

/** @param {number[]} out @param {number} v */
function sv(out, v) {
  uv(out, v < 0 ? -2 * v - 1 : 2 * v)
}

/** @param {number[]} out @param {string} s */
function str(out, s) {
  const p = utf8.encode(s)
  uv(out, p.length)
  for (const b of p) out.push(b)
}

/** World units in half units. @param {number} v */
function halves(v) {
  return Math.min(Math.max(Math.floor(v * 2 + 0.5), -FARTHEST), FARTHEST)
}

/**
 * Encodes as many events as fit, at least one.
 * @param {{seq: number, b?: number, f?: number, ev: readonly Event[]}} batch  seq numbers the first event
 * @param {number} maxEvents @param {number} maxBytes
 * @returns {{body: Uint8Array<ArrayBuffer>, count: number}} count: how many events are in it
 */
export function encodeBatch({ seq, b = 0, f = 0, ev }, maxEvents = Infinity, maxBytes = Infinity) {
  const out = [0x20]
  uv(out, b)
  uv(out, seq)
  uv(out, f)
  let [x, y] = [0, 0] // of the ptr before
  let count = 0
  for (const [type, ...args] of ev) {
    if (count === maxEvents) break
    const size = out.length
    const known = KINDS.indexOf(type)
    const kind = known < 0 ? CUSTOM : known
    const after = args[ARGS[kind] ?? 1] ?? 0
    out.push(Math.min(after, 15) * 16 + kind)
    if (after >= 15) uv(out, after - 15)
    switch (type) {
      case 'down':
      case 'up':
        uv(out, buttons.get(args[0]) ?? raise(`unknown button ${args[0]}`))
        break
      case 'ptr': {
        const [x0, y0] = [x, y]
        sv(out, (x = halves(args[0])) - x0)
        sv(out, (y = halves(args[1])) - y0)
        break
      }
      case 'wheel':
        sv(out, halves(args[0]))
        sv(out, halves(args[1]))
        break
      case 'touch':
        out.push(PHASES.indexOf(args[0]) * 16 + args[1])
        sv(out, halves(args[2]))
        sv(out, halves(args[3]))
        break
      case 'axis': {
        const [, pad, axis] = /^Pad([0-3])\.Axis(\d|1[0-5])$/.exec(args[0]) ?? raise(`unknown axis ${args[0]}`)
        out.push(Number(pad) * 16 + Number(axis), (Math.sign(args[1]) * Math.round(Math.abs(args[1]) * 127)) & 255)
        break
      }
      case 'text':
        str(out, args[0])
        break
      case 'blur':
        break
      default:
        str(out, type)
        str(out, JSON.stringify(args[0]))
    }
    if (out.length > maxBytes && count > 0) {
      out.length = size
      break
    }
    count++
  }
  return { body: Uint8Array.from(out), count }
}

/** @param {string} why @returns {never} */
function raise(why) {
  throw new RangeError(why)
}
