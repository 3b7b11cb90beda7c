// npm run bench: how long an update takes.
import { World } from '../decode.js'
import { ball, delta, frame, full, game, key, me, move, schema, update } from './wire.js'

const SPRITES = 1000
const FRAMES = 20000

function run(name, ops) {
  const world = new World(schema)
  const balls = Array.from({ length: SPRITES }, (_, i) => ball(i + 1, i + 1, 10 * i, 5 * i))
  world.apply(key(1, 0, full(0, game(), ...balls), full(1, me())))
  const there = frame(0, delta(0, ...Array.from({ length: SPRITES }, (_, i) => ops(i, 1))))
  const back = frame(0, delta(0, ...Array.from({ length: SPRITES }, (_, i) => ops(i, -1))))
  const step = (n) => {
    const body = n % 2 ? there : back
    body[1] = n % 256
    world.apply(body)
  }
  let n = 2
  for (; n < FRAMES / 4; n++) step(n)
  globalThis.gc?.()
  const heap = process.memoryUsage().heapUsed
  let ns = Infinity // the quickest of many runs: what else the machine does counts least
  for (const end = n + FRAMES; n < end; ) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < 200; i++) step(n++)
    ns = Math.min(ns, Number(process.hrtime.bigint() - start) / 200 / SPRITES)
  }
  const grown = (process.memoryUsage().heapUsed - heap) / FRAMES / SPRITES
  console.log(`${name}: ${ns.toFixed(1)} ns, ${(there.length / SPRITES).toFixed(1)} bytes an update, heap +${grown.toFixed(2)} bytes`)
}

run('move of 2 bytes', (i, d) => move(i ? 0 : 1, 3 * d, -2 * d))
run('move of 3 bytes', (i, d) => {
  const [x, y] = [100 * d + 256, -50 * d + 256]
  return [0x80 | ((i ? 0 : 1) << 2) | (x >> 7), ((x & 127) << 1) | (y >> 8), y & 255]
})
run('update of one u8', (i, d) => update(i ? 0 : 1, 2, [100 + d]))
