// Checked by `npm run types`, never run. A line marked THROWS must not compile.
import { connect, HTTPMPError } from '../httpmp.js'
import type { Change, Look, State } from '../httpmp.js'

const game = await connect({ url: '/pong/', name: 'Ann', mode: 'stream' })

const off: () => void = game.on('frame', (change, arrival) => {
  const c: Change = change
  const ms: number = arrival
  for (const s of c.moved) void [s.x, s.fields.hp, ms]
})
off()
game.on('state', ({ state, reason }) => {
  const s: State = state
  if (reason === 'kicked' || reason === 'some code') void s
})
game.on('error', (err) => void [err.code.length, err.status + err.retry])
game.on('say', (text) => void text.length)
game.on<{ by: number }>('goal', ({ by }) => void by.toFixed())
game.on('goal', (payload) => {
  const p: unknown = payload
  return p
})
game.send('chat', { text: 'hello' })
const known: boolean = game.press('ArrowUp')
const latency: number | null = game.latency
const { reason, error }: { reason: string; error: HTTPMPError | null } = await game.closed
const look: Look = { circle: 6, fill: 'white', z: 1 }
void [known, latency, reason, error, look]

// @ts-expect-error THROWS: no such mode
connect({ mode: 'sse' })
// @ts-expect-error THROWS: no such option
connect({ token: 'x' })
// @ts-expect-error THROWS: read only
game.world.frame = 1
// @ts-expect-error THROWS: read only
game.world.sprites.clear()
// @ts-expect-error THROWS: states are named
game.state === 'down'
// @ts-expect-error THROWS: nothing is known of a payload
game.on('goal', (payload) => payload.by)
// @ts-expect-error THROWS: latency may be unknown
game.latency.toFixed()
// @ts-expect-error THROWS: a payload is needed
game.send('shoot')
// @ts-expect-error THROWS: fields are unknown
game.world.sprites.get(1)?.fields.hp.toFixed()
// @ts-expect-error THROWS: no such phase
game.touch('hover', 0, 1, 2)
// @ts-expect-error THROWS: a look is one shape
const none: Look = { fill: 'white' }
