// Writes the wire's binary mode, for tests: the other end of decode.js.

export const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'))

export function uv(v) {
  const out = []
  for (; v > 127; v = Math.floor(v / 128)) out.push((v % 128) + 128)
  return [...out, v]
}

export const sv = (v) => uv(v < 0 ? -2 * v - 1 : 2 * v)

export function str(s) {
  const p = Buffer.from(s)
  return [...uv(p.length), ...p]
}

export const json = (v) => str(JSON.stringify(v))

export const block = (layer, mode, ...ops) => {
  const all = ops.flat()
  return mode === 3 ? uv(layer * 8 + 3) : [...uv(layer * 8 + mode), ...uv(all.length), ...all]
}
export const delta = (layer, ...ops) => block(layer, 0, ...ops)
export const full = (layer, ...ops) => block(layer, 2, ...ops)

export const add = (cls, slot, id, ...values) => [0xe0 + cls, ...uv(slot), ...uv(id), ...values.flat()]
export const remove = (slot) => [0xf0, ...uv(slot)]
export const update = (gap, mask, ...values) => [0xc0 + gap, ...uv(mask), ...values.flat()]
export const move = (gap, dx, dy) => [(gap << 4) | ((dx + 32) >> 2), ((dx + 32) & 3) << 6 | (dy + 32)]
export const event = (type, payload) => [0xf1, ...str(type), ...json(payload)]

export const key = (n, ack, ...blocks) => Uint8Array.from([3, ...uv(n), ...uv(ack), 0, ...blocks.flat()])
/** The first frame of a response that goes on from a base. */
export const first = (n, ack, ...blocks) => Uint8Array.from([6, ...uv(n), ...uv(ack), 0, ...blocks.flat()])
export const frame = (n, ...blocks) => Uint8Array.from([0, n % 256, ...blocks.flat()])
export const acking = (n, more, ...blocks) => Uint8Array.from([2, n % 256, ...uv(more), 0, ...blocks.flat()])

export const record = (body) => Uint8Array.from([...uv(body.length), ...body])
export const control = (v) => record([0x20, ...Buffer.from(JSON.stringify(v))])
export const bye = (v) => record([0x60, ...Buffer.from(JSON.stringify(v))])

/** A small game: a score, and balls that move. */
export const schema = {
  hash: '00000001',
  classes: [
    { name: 'game', fields: [['stage', 'json'], ['score', 'json']] },
    { name: 'me', fields: [['own', 'json'], ['camera', 'json'], ['view', 'json']] },
    { name: 'ball', fields: [['pos', 'pos', 0.5], ['hp', 'u8'], ['look', 'json']] },
    { name: 'ball+', fields: [['of', 'uint'], ['gold', 'uint']] }
  ]
}
export const game = (score = [0, 0]) => add(0, 0, 0, json({ w: 640, h: 480 }), json(score))
export const me = (own = []) => add(1, 0, 0, json(own), json(null), json(null))
export const ball = (slot, id, x = 0, y = 0, hp = 100) => add(2, slot, id, sv(x), sv(y), [hp], json({ circle: 6 }))
export const purse = (slot, of, gold) => add(3, slot, 0, uv(of), uv(gold))
