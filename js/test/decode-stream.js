// Decodes for other programs: on stdin a line with the schema, then a frame body in hex or "reset" per
// line; on stdout after each body the canonical state as JSON, or "error".
import { createInterface } from 'node:readline'
import { BadFrame, World } from '../decode.js'
import { canonical } from './canonical.js'

let schema
let world
const print = (line) => new Promise((resolve) => process.stdout.write(line + '\n', resolve))

for await (const line of createInterface({ input: process.stdin })) {
  if (!schema) {
    schema = JSON.parse(line)
    world = new World(schema)
  } else if (line === 'reset') {
    world = new World(schema)
  } else {
    try {
      world.apply(Uint8Array.from(Buffer.from(line, 'hex')))
      await print(JSON.stringify(canonical(world)))
    } catch (err) {
      if (!(err instanceof BadFrame)) throw err
      await print('error')
    }
  }
}
