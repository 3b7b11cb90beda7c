import assert from 'node:assert/strict'
import test from 'node:test'
import { BadFrame, World } from '../decode.js'
import { Records } from '../records.js'
import { canonical } from './canonical.js'
import { add, ball, block, delta, event, first, frame, full, game, json, key, me, move, purse, record, remove, schema, str, sv, update } from './wire.js'

const start = (...balls) => {
  const world = new World(schema)
  world.apply(key(100, 0, full(0, game(), ...balls), full(1, me())))
  return world
}
const ids = (sprites) => sprites.map((s) => s.id)

test('a change lists what is new, gone, moved and otherwise different, once each', () => {
  const world = start(ball(1, 1), ball(2, 2), ball(3, 3), ball(4, 4, 8, 8))
  const c = world.apply(frame(101, delta(0, remove(1), ball(1, 5), move(2, 1, 1), update(0, 2, [7]), update(0, 7, sv(2), sv(4), [9], json(null)))))
  assert.deepEqual([ids(c.added), ids(c.removed), ids(c.moved), ids(c.updated)], [[5], [1], [2, 4], [3, 4]])
  const four = world.sprites.get(4)
  assert.deepEqual([four.x, four.y, four.fields.hp, four.look], [5, 6, 9, null])
  assert.equal(c.gameChanged || c.stageChanged || c.meChanged, false)
})

test('a sprite is the same object from layer to layer and over a key frame', () => {
  const world = start(ball(1, 1, 2, 2), ball(2, 2))
  const one = world.sprites.get(1)
  let c = world.apply(frame(101, delta(0, remove(1)), full(5, ball(0, 1, 4, 4, 50))))
  assert.equal(world.sprites.get(1), one)
  assert.deepEqual([one.x, one.y, one.fields.hp], [2, 2, 50])
  assert.deepEqual([ids(c.added), ids(c.removed), ids(c.moved), ids(c.updated)], [[], [], [1], [1]])
  // The layer that takes it over may come before the one that lets it go.
  c = world.apply(frame(102, delta(0, ball(1, 1, 4, 4)), block(5, 3)))
  assert.equal(world.sprites.get(1), one)
  assert.deepEqual([ids(c.added), ids(c.removed), ids(c.moved), ids(c.updated)], [[], [], [], [1]])
  c = world.apply(key(200, 0, full(0, game(), ball(1, 1, 6, 6)), full(1, me())))
  assert.equal(world.sprites.get(1), one)
  assert.equal(one.x, 3)
  assert.deepEqual([ids(c.added), ids(c.removed), ids(c.moved)], [[], [2], [1]])
})

test('private fields join their sprite whichever comes first, and go with their companion', () => {
  const world = start()
  world.apply(frame(101, delta(1, purse(1, 7, 30))))
  assert.equal(world.sprites.size, 0)
  let c = world.apply(frame(102, delta(0, ball(1, 7))))
  const seven = world.sprites.get(7)
  assert.equal(seven.fields.gold, 30)
  assert.deepEqual([ids(c.added), ids(c.updated)], [[7], []])
  c = world.apply(frame(103, delta(1, update(1, 2, [40]))))
  assert.equal(seven.fields.gold, 40)
  assert.deepEqual(ids(c.updated), [7])
  world.apply(frame(104, delta(0, ball(2, 8)), delta(1, update(1, 1, [8]))))
  assert.ok(!('gold' in seven.fields))
  assert.equal(world.sprites.get(8).fields.gold, 40)
  // To another slot of the layer, in one frame.
  world.apply(frame(105, delta(1, remove(1), purse(2, 8, 50))))
  assert.equal(world.sprites.get(8).fields.gold, 50)
  world.apply(frame(106, delta(1, remove(2))))
  assert.ok(!('gold' in world.sprites.get(8).fields))
  const eight = world.sprites.get(8)
  world.apply(key(107, 0, full(0, game(), ball(2, 8)), full(1, purse(3, 8, 60))))
  assert.equal(eight.fields.gold, 60)
  world.apply(key(108, 0, full(0, game(), ball(2, 8)), full(1, me())))
  assert.equal(world.sprites.get(8), eight)
  assert.ok(!('gold' in eight.fields), 'a key frame without it takes it away')
})

test('game, stage and me say when they change', () => {
  const world = start()
  let c = world.apply(frame(101, delta(0, update(0, 2, json([1, 0])))))
  assert.deepEqual([c.gameChanged, c.stageChanged, c.meChanged], [true, false, false])
  assert.deepEqual(world.game.score, [1, 0])
  c = world.apply(frame(102, delta(0, update(0, 1, json({ w: 9, h: 9 }))), delta(1, update(0, 1, json([4])))))
  assert.deepEqual([c.gameChanged, c.stageChanged, c.meChanged], [false, true, true])
  assert.deepEqual([world.stage, world.me.own, world.me.camera], [{ w: 9, h: 9 }, [4], null])
  const { game: object } = world
  world.apply(key(103, 0, full(0)))
  assert.deepEqual([world.stage, world.me.own, Object.keys(object), world.game], [null, [], [], object])
})

test('events come everybody’s first, and not twice', () => {
  const world = start()
  let c = world.apply(frame(101, delta(0, event('a', 1)), delta(1, event('b', 2)), full(2, event('c', 3))))
  assert.deepEqual(c.events, [['a', 1], ['c', 3], ['b', 2]])
  c = world.apply(frame(102))
  assert.deepEqual(c.events, [])
})

test('a frame that fails at its end has changed nothing', () => {
  const world = start(ball(1, 1), ball(2, 2))
  world.apply(frame(101, full(3, ball(0, 9)), full(4, ball(0, 10))))
  const before = JSON.stringify(canonical(world))
  const one = world.sprites.get(1)
  const much = [
    delta(0, update(0, 3, json({ w: 1, h: 1 }), json([5])), move(0, 3, 3), update(0, 7, sv(9), sv(9), [1], json(1)), event('say', 'no')),
    delta(1, update(0, 1, json([7]))), full(3, ball(0, 11)), block(4, 3)
  ]
  for (const bad of [block(9, 0), delta(5, move(0, 1, 1)), [0xff], full(6, ball(0, 2)), full(6, add(9, 0, 1)), full(6, [0xf1, ...str('x'), ...str('{')])]) {
    assert.throws(() => world.apply(frame(102, ...much, bad)), BadFrame)
    assert.throws(() => world.apply(key(102, 0, full(0, game(), ball(1, 2)), bad)), BadFrame)
    assert.equal(JSON.stringify(canonical(world)), before)
  }
  const c = world.apply(frame(102, delta(0, move(1, 1, 1)), delta(4, update(0, 2, [3]))))
  assert.deepEqual([ids(c.moved), ids(c.updated), c.events], [[1], [10], []])
  assert.equal(world.sprites.get(1), one)
  assert.equal(one.x, 0.5)
})

test('added and removed in one frame: never there', () => {
  const world = start()
  const c = world.apply(frame(101, delta(0, ball(1, 1), remove(1))))
  assert.deepEqual([ids(c.added), ids(c.removed), world.sprites.size], [[], [], 0])
  world.apply(frame(102, delta(0, ball(1, 2), ball(2, 0))))
  // Whatever else happens to it, and to a row that is no sprite.
  const all = update(0, 7, sv(1), sv(1), [5], json(null))
  const d = world.apply(frame(103, delta(0, ball(3, 3), all.with(0, 0xc1), move(0, 1, 1), move(0, 1, 1), remove(3), remove(1))))
  assert.deepEqual([ids(d.added), ids(d.removed), ids(d.moved), ids(d.updated)], [[], [2], [], []])
  world.apply(frame(104, delta(0, update(2, 7, sv(1), sv(1), [5], json(null)))))
  assert.equal(world.sprites.size, 0)
})

test('the world waits for a key frame when it is told to', () => {
  const world = start(ball(1, 1))
  world.expectKey()
  assert.throws(() => world.apply(frame(101)), /want a key frame/)
  const old = world.sprites.get(1)
  world.reset(5)
  assert.equal(world.sprites.get(1), old)
  assert.deepEqual([world.frame, world.epoch], [0, 5])
  const c = world.apply(key(1, 0, full(0, game(), ball(1, 1))))
  assert.deepEqual([c.added.length, c.removed[0]], [1, old])
})

test('a new schema goes with a new run', () => {
  const world = start(ball(1, 1))
  const other = { hash: '2', classes: [schema.classes[0], schema.classes[1], { name: 'cube', fields: [['size', 'u8']] }] }
  world.reset(6, other)
  world.apply(key(1, 0, full(0, game(), add(2, 1, 1, [9]))))
  assert.equal(world.sprites.get(1).class, 'cube')
  assert.deepEqual({ ...world.sprites.get(1).fields }, { size: 9 })
  assert.ok(!('x' in world.sprites.get(1)))
  assert.throws(() => world.reset(7, { hash: '3', classes: [{ name: 'x', fields: [['a', 'i128']] }] }), /unknown type i128/)
})

const evil = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__']

test('hostile names are names', () => {
  const before = Object.getOwnPropertyNames(Object.prototype).sort()
  const types = evil.map((name) => [name, 'json'])
  const hostile = {
    hash: '__proto__',
    classes: [
      { name: 'game', fields: [['stage', 'json'], ...types] }, { name: 'me', fields: types },
      { name: '__proto__', fields: types }, { name: 'constructor+', fields: [['of', 'uint'], ...types] }
    ]
  }
  const payload = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
  const all = evil.flatMap(() => str(payload))
  const world = new World(hostile)
  for (let n = 1; n < 3; n++) {
    const events = evil.flatMap((type) => [0xf1, ...str(type), ...str(payload)])
    const c = world.apply(key(n, 0, full(0, add(0, 0, 0, str(payload), all), add(2, 1, 1, all), events), full(1, add(1, 0, 0, all), add(3, 1, 0, [1], all))))
    assert.deepEqual(c.events.map(([type]) => type), evil)
    for (const at of [world.game, world.me, world.sprites.get(1).fields]) for (const name of evil) assert.ok(Object.hasOwn(at, name), name)
    world.apply(first(n, 0, delta(0, update(1, 1, str('5')), remove(1)), delta(1, remove(1))))
    world.reset(n)
  }
  assert.equal({}.polluted, undefined)
  assert.equal(world.game.__proto__.polluted, undefined)
  assert.deepEqual(Object.getOwnPropertyNames(Object.prototype).sort(), before)
})

test('numbers of every size, exact', () => {
  const world = new World({ hash: '', classes: [schema.classes[0], schema.classes[1], { name: 'n', fields: [['u', 'uint'], ['i', 'int']] }] })
  const sizes = [0, 1, 127, 128, 2 ** 14 - 1, 2 ** 14, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 35 + 1, 2 ** 49, 2 ** 52 - 1]
  sizes.forEach((v, i) => {
    world.apply(key(i + 1, 0, full(0, add(2, 1, i + 1, uvOf(v), sv(-v)))))
    assert.deepEqual({ ...world.sprites.get(i + 1).fields }, { u: v, i: -v || 0 })
  })
  const most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
  world.apply(key(50, 0, full(0, add(2, 1, 1, most, [0]))))
  assert.equal(world.sprites.get(1).fields.u, Number.MAX_SAFE_INTEGER)
  for (const bad of [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], [...Array(9).fill(0xff), 1], [0x80, 0], [0xff]]) {
    assert.throws(() => world.apply(key(51, 0, full(0, add(2, 1, 1, bad, [0])))), BadFrame, String(bad))
  }
  assert.throws(() => world.apply(frame(51, delta(0, update(1, 2, sv(2 ** 52 - 1)), update(0, 2, sv(1))))), BadFrame)

  function uvOf(v) {
    const out = []
    for (; v > 127; v = Math.floor(v / 128)) out.push((v % 128) + 128)
    return [...out, v]
  }
})

test('moves stop where numbers do', () => {
  const world = start(ball(1, 1, 2 ** 52 - 2, -(2 ** 52)))
  world.apply(frame(101, delta(0, move(1, 1, 0))))
  assert.throws(() => world.apply(frame(102, delta(0, move(1, 1, 0)))), BadFrame)
  assert.throws(() => world.apply(frame(102, delta(0, move(1, 0, -1)))), BadFrame)
  assert.equal(world.sprites.get(1).x, (2 ** 52 - 1) / 2)
})

test('random bytes are refused or applied, never anything else', () => {
  let seed = 12345
  const random = (n) => Math.floor((seed = (seed * 48271) % 2147483647) / 2147483647 * n)
  let applied = 0
  for (let i = 0; i < 20000; i++) {
    const world = start(ball(1, 1), ball(2, 2))
    const good = frame(101, delta(0, remove(2), ball(2, 3), move(1, 3, 3), update(0, 7, sv(1), sv(1), [2], json({ a: 1 })), event('x', {})), delta(1, update(0, 1, json([1]))))
    for (let k = random(3); k >= 0; k--) good[random(good.length)] = random(256)
    const before = JSON.stringify(canonical(world))
    try {
      world.apply(good.subarray(0, random(4) ? good.length : random(good.length)))
      applied++
    } catch (err) {
      assert.ok(err instanceof BadFrame, err.stack)
      assert.equal(JSON.stringify(canonical(world)), before)
    }
  }
  assert.ok(applied > 1000, `${applied} applied`)
})

test('records: random cuts, and large ones in small pieces', () => {
  const bodies = [1, 2, 127, 128, 300, 16383, 16384, 100000].map((n, i) => new Uint8Array(n).fill(i + 1))
  const all = Buffer.concat(bodies.map(record))
  for (let max = 1; max < 70000; max = max * 3 + 1) {
    const records = new Records(1 << 20)
    const got = []
    for (let i = 0, k = 0; i < all.length; k++) {
      const size = 1 + ((k * 7919) % max)
      records.push(Uint8Array.from(all.subarray(i, i + size)))
      i += size
      for (let body; (body = records.next()); ) got.push(body.slice())
    }
    assert.deepEqual(got, bodies)
    assert.equal(records.rest, 0)
  }
  const records = new Records(10)
  records.push(Uint8Array.of(11))
  assert.throws(() => records.next(), RangeError)
})
