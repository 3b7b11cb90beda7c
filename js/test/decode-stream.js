// Decodes for other programs. On stdin comes a line with the schema, then lines of
//
//   a frame body in hex   applied; answered only if it cannot be, with "error: …"
//   reset                 forgets everything
//   state                 answered with {"state":…,"ack":n,"events":[…]}: the canonical state, and the events that
//                         came since the last reset or state
//
// so that a program can be far ahead of the answers.
import { createInterface } from 'node:readline'
import { BadFrame, World } from '../decode.js'
import { canonical } from './canonical.js'

let world
let events = []
const print = (line) => process.stdout.write(line + '\n')

createInterface({ input: process.stdin }).on('line', (line) => {
  if (!world) {
    world = new World(JSON.parse(line))
  } else if (line === 'reset') {
    world = new World(world.schema)
    events = []
  } else if (line === 'state') {
    print(JSON.stringify({ state: canonical(world), ack: world.ack, events }))
    events = []
  } else {
    try {
      events.push(...world.apply(Uint8Array.from(Buffer.from(line, 'hex'))).events)
    } catch (err) {
      if (!(err instanceof BadFrame)) throw err
      print(`error: ${err.message}`)
    }
  }
})
