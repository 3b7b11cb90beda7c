import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { BadFrame, World } from '../decode.js'
import { canonical } from './canonical.js'

const golden = (name) => JSON.parse(readFileSync(new URL(`../../testdata/wire/${name}.json`, import.meta.url), 'utf8'))
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'))
/** Without prototypes, which deepEqual compares. */
const plain = (v) => JSON.parse(JSON.stringify(v))

const { schema, cases } = golden('frames')

for (const { name, steps } of cases) {
  test(`golden frames: ${name}`, () => {
    const world = new World(schema)
    for (const [i, step] of steps.entries()) {
      const before = plain(canonical(world))
      if (step.error) {
        assert.throws(() => world.apply(bytes(step.hex)), BadFrame, `step ${i}`)
        assert.deepEqual(plain(canonical(world)), before, `step ${i} changes nothing`)
        continue
      }
      const change = world.apply(bytes(step.hex))
      const line = JSON.parse(step.line)
      assert.deepEqual(plain(canonical(world)), step.state, `step ${i}`)
      assert.equal(change.n, line.n)
      assert.equal(change.key, line.key ?? false)
      assert.equal(change.evgap, line.evgap ?? false)
      assert.equal(change.slack, line.slack ?? 0)
      assert.deepEqual(plain(change.events), line.ev ?? [])
      if (line.ack !== undefined) assert.equal(change.ack, line.ack)
    }
  })
}

test('every cut of every golden frame is refused, or is another whole frame, and leaves the world whole', () => {
  for (const { steps } of cases) {
    const world = new World(schema)
    for (const step of steps) {
      const body = bytes(step.hex)
      const before = plain(canonical(world))
      for (let n = 0; n < body.length && body.length < 2000; n++) {
        try {
          world.apply(body.subarray(0, n))
        } catch (err) {
          assert.ok(err instanceof BadFrame)
          assert.deepEqual(plain(canonical(world)), before)
          continue
        }
        break // it ended between two blocks: the world went on
      }
      if (world.frame !== before.frame || JSON.stringify(plain(canonical(world))) !== JSON.stringify(before)) break
      if (!step.error) world.apply(body)
    }
  }
})
