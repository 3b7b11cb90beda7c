import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { encodeBatch } from '../batch.js'
import { buttons } from '../buttons.js'
import { connect } from '../httpmp.js'
import { Server, pass, settle, stopClock } from './server.js'
import { acking, first, frame, record } from './wire.js'

const golden = (name) => JSON.parse(readFileSync(new URL(`../../testdata/wire/${name}.json`, import.meta.url), 'utf8'))
const hex = (p) => Buffer.from(p).toString('hex')

for (const { name, hex: want, json } of golden('batches')) {
  test(`golden batches: ${name}`, () => {
    const batch = JSON.parse(json)
    const { body, count } = encodeBatch(batch)
    assert.equal(count, batch.ev.length)
    assert.equal(hex(body), want)
  })
}

test('golden buttons', () => {
  assert.deepEqual(Object.fromEntries([...buttons].sort()), Object.fromEntries(Object.entries(golden('buttons')).sort()))
})

test('a batch holds as much as it may, and at least one event', () => {
  const ev = Array.from({ length: 10 }, () => ['text', 'x'.repeat(98)])
  assert.equal(encodeBatch({ seq: 1, ev }, 3).count, 3)
  const { body, count } = encodeBatch({ seq: 1, ev }, 128, 310)
  assert.deepEqual([count, body.length], [3, 304])
  assert.equal(encodeBatch({ seq: 1, ev }, 128, 10).count, 1)
})

test('a batch refuses names that are none', () => {
  assert.throws(() => encodeBatch({ seq: 1, ev: [['down', 'Up']] }), RangeError)
  assert.throws(() => encodeBatch({ seq: 1, ev: [['axis', 'Pad4.Axis0', 0]] }), RangeError)
})

/** Joins and shows a first frame; posts wait for an answer. */
async function play(t, rules = { in: () => {} }) {
  stopClock(t)
  const server = new Server(rules)
  const game = await connect({ url: 'https://host.test/', fetch: server.fetch })
  const errors = []
  game.on('error', (err) => errors.push(err))
  t.after(() => game.close())
  await settle()
  server.last('out').write(server.key())
  await settle()
  const posts = () => server.of('in').map((c) => hex(c.body))
  return { game, server, errors, posts, out: server.last('out') }
}

/** A batch in hex, as the page would send it at frame b. */
const batch = (b, seq, ...ev) => hex(encodeBatch({ b, seq, ev }).body)

const [DOWN, UP] = [['down', 'ArrowUp'], ['up', 'ArrowUp']]

test('an event goes at once when nothing is in flight, and names base and number', async (t) => {
  const { game, server, posts } = await play(t)
  game.press('ArrowUp')
  assert.deepEqual(posts(), [batch(100, 1, DOWN)])
  assert.equal(server.last('in').token, 'token1')
})

test('the next ones wait for the answer or a frame, and a post holds what is not answered', async (t) => {
  const { game, server, posts } = await play(t)
  game.press('ArrowUp')
  game.release('ArrowUp')
  await pass(10)
  assert.equal(posts().length, 1)
  server.of('in')[0].reply(204)
  await settle()
  assert.deepEqual(posts().slice(1), [batch(100, 2, UP)])
  game.press('ArrowUp')
  await pass(10)
  assert.equal(posts().length, 2)
  await pass(10)
  assert.deepEqual(posts().slice(2), [batch(100, 2, UP, DOWN)], 'a frame of 20 ms has passed')
  game.release('ArrowUp')
  await pass(200)
  assert.equal(posts().length, 3, 'two in flight')
  server.of('in')[2].reply(204)
  await settle()
  assert.deepEqual(posts().slice(3), [batch(100, 4, UP)])
})

test('nothing is posted twice while all goes well', async (t) => {
  const { game, server, out, posts } = await play(t, {})
  game.press('ArrowUp')
  await pass(200)
  out.write(record(acking(101, 1)))
  await pass(200)
  assert.equal(posts().length, 1)
  game.release('ArrowUp')
  await pass(100)
  assert.deepEqual(posts().slice(1), [batch(101, 2, UP)])
  assert.equal(server.of('out').length, 1)
})

test('a pointer’s places: the latest, once a frame', async (t) => {
  const { game, posts } = await play(t, {})
  for (let i = 0; i < 10; i++) {
    game.pointer(i, i)
    await pass(5, 5)
  }
  await pass(40)
  // 0 at once, then what was latest after each 20 ms
  assert.deepEqual(posts(), [batch(100, 1, ['ptr', 0, 0]), batch(100, 2, ['ptr', 3, 3]), batch(100, 3, ['ptr', 7, 7]), batch(100, 4, ['ptr', 9, 9])])
})

test('continuous events keep their order among others, and merge by kind', async (t) => {
  const { game, server, posts } = await play(t)
  game.press('KeyA')
  game.pointer(1, 1)
  game.axis('Pad0.Axis0', 0.5)
  game.pointer(2, 2)
  game.axis('Pad0.Axis0', 1)
  game.wheel(0, 10)
  game.wheel(0, 5)
  game.release('KeyA')
  game.pointer(3, 3)
  game.pointer(NaN, 0)
  game.touch('start', 1, 0, 0)
  game.touch('move', 1, 1, 1)
  game.touch('move', 2, 2, 2)
  game.touch('move', 1, 3, 3)
  game.text('hi')
  game.blur()
  server.last('in').reply(204)
  await settle()
  assert.deepEqual(posts().slice(1), [
    batch(100, 2, ['ptr', 2, 2], ['axis', 'Pad0.Axis0', 1], ['wheel', 0, 15], ['up', 'KeyA'], ['ptr', 3, 3],
      ['touch', 'start', 1, 0, 0], ['touch', 'move', 1, 3, 3], ['touch', 'move', 2, 2, 2], ['text', 'hi'], ['blur'])
  ])
})

test('what was posted once is not changed any more', async (t) => {
  const { game, server, posts } = await play(t)
  game.pointer(1, 1)
  game.pointer(2, 2)
  server.last('in').fail()
  await pass(1000)
  assert.deepEqual(posts().slice(1), [batch(100, 1, ['ptr', 1, 1], ['ptr', 2, 2])])
})

test('custom events are copied, and checked where they are sent', async (t) => {
  const { game, posts } = await play(t)
  const payload = { x: 1 }
  game.press('KeyA')
  game.send('shoot', payload)
  payload.x = 2
  game.send('jump', undefined)
  await pass(20)
  assert.deepEqual(posts().slice(1), [batch(100, 1, ['down', 'KeyA'], ['shoot', { x: 1 }], ['jump', null])])
  for (const type of ['', 'Shoot', 'down', 'a b', 'x'.repeat(33)]) assert.throws(() => game.send(type, 1), RangeError, type)
  assert.throws(() => game.send('big', 'é'.repeat(1024)), /2050 bytes/)
  assert.throws(() => game.axis('Pad9', 1), RangeError)
  assert.deepEqual([game.press('Nope'), game.release('__proto__'), game.press('KeyA')], [false, false, true])
})

test('text is cut to 256 bytes, at a character', async (t) => {
  const { game, posts } = await play(t)
  game.text('é'.repeat(200))
  game.text('')
  await settle()
  assert.deepEqual(posts(), [batch(100, 1, ['text', 'é'.repeat(128)])])
})

test('204 is not enough: a break sends again what no frame has acknowledged', async (t) => {
  const { game, server, out, posts } = await play(t, {})
  game.press('ArrowUp')
  await settle()
  game.release('ArrowUp')
  await pass(20)
  out.fail()
  await settle()
  server.last('out').write(record(first(103, 1)))
  await settle()
  assert.deepEqual(posts().slice(2), [batch(103, 2, UP)])
})

test('409 goes back to the event that is wanted; one that is forgotten joins again', async (t) => {
  const { game, server, out, posts } = await play(t)
  game.press('ArrowUp')
  server.last('in').reply(204)
  await settle()
  game.release('ArrowUp')
  server.last('in').refuse(409, 'gap', { want: 1 })
  await settle()
  assert.deepEqual(posts().slice(2), [batch(100, 1, DOWN, UP)])
  server.last('in').reply(204)
  out.write(record(acking(101, 2)))
  await settle()
  game.press('ArrowUp')
  server.last('in').refuse(409, 'gap', { want: 1 })
  await settle()
  assert.equal(server.of('join').length, 2)
})

for (const [name, answer, from, to] of [
  ['429 waits as long as it says', (call) => call.refuse(429, 'busy', { retry: 300 }), 300, 360],
  ['503 of a proxy waits by its header', (call) => call.reply(503, 'busy', { 'Retry-After': '1' }), 1000, 1060],
  ['no answer', (call) => call.fail(), 0, 60]
]) {
  test(`${name}, and the same events go again`, async (t) => {
    const { game, server, out, posts } = await play(t, { in: answer })
    let n = 100
    const wait = async (ms) => {
      for (; ms > 0; ms -= 500) {
        out.write(record(frame(++n))) // or the stream would be given up
        await pass(Math.min(ms, 500))
      }
    }
    game.press('ArrowUp')
    if (from) await wait(from - 10)
    assert.equal(posts().length, 1)
    game.release('ArrowUp')
    server.rules.in = (call) => call.reply(204)
    await wait(to - from + 10)
    assert.equal(posts().length, 2)
    assert.equal(posts()[1], batch(n, 1, DOWN, UP))
  })
}

test('a post that nobody answers is given up after 5 s', async (t) => {
  const { game, server, out, posts } = await play(t)
  game.press('ArrowUp')
  for (let n = 101; n < 112; n++) {
    assert.equal(posts().length, 1)
    out.write(record(frame(n)))
    await pass(n < 111 ? 499 : 100)
  }
  assert.ok(server.of('in')[0].aborted)
  assert.deepEqual(posts().slice(1), [batch(111, 1, DOWN)])
})

test('413 halves the batch, or takes the size it is told', async (t) => {
  const { game, server, posts } = await play(t)
  game.press('KeyA')
  for (let i = 0; i < 7; i++) game.send('n', i)
  server.last('in').reply(204)
  await settle()
  server.last('in').refuse(413, 'too_big', {})
  await settle()
  assert.deepEqual(posts().at(-1), batch(100, 2, ['n', 0], ['n', 1], ['n', 2]))
  server.last('in').refuse(413, 'too_big', { max: 2 })
  await settle()
  server.last('in').reply(204)
  await settle()
  assert.deepEqual(posts().slice(-2), [batch(100, 2, ['n', 0], ['n', 1]), batch(100, 4, ['n', 2], ['n', 3])])
})

test('400 drops the event that it names, tells of it, and the rest moves up', async (t) => {
  const { game, server, errors, posts } = await play(t)
  game.press('KeyA')
  game.send('bad', 1)
  game.send('good', 2)
  await pass(20)
  assert.equal(posts().length, 2)
  server.of('in')[0].reply(204)
  await settle()
  server.of('in')[1].refuse(400, 'bad_batch', { at: 1 })
  await settle()
  assert.deepEqual(errors.map((e) => [e.status, e.code]), [[400, 'bad_batch']])
  assert.equal(posts().at(-1), batch(100, 2, ['good', 2]))
})

test('two posts with the same bad event drop it once', async (t) => {
  const { game, server, errors, posts } = await play(t)
  game.send('bad', 1)
  game.send('good', 2)
  await pass(20)
  assert.equal(posts().length, 2)
  server.of('in')[0].refuse(400, 'bad_batch', { at: 0 })
  await settle()
  server.of('in')[1].refuse(400, 'bad_batch', { at: 0 })
  await pass(40)
  assert.equal(errors.length, 1)
  assert.equal(posts().at(-1), batch(100, 1, ['good', 2]))
})

test('400 without an index drops the whole batch', async (t) => {
  const { game, server, errors, posts } = await play(t)
  game.press('KeyA')
  server.last('in').refuse(400, 'bad_batch')
  await settle()
  game.press('KeyB')
  await pass(20)
  assert.deepEqual(posts().slice(1), [batch(100, 1, ['down', 'KeyB'])])
  assert.equal(errors.length, 1)
})

for (const status of [401, 410]) {
  test(`${status} joins again, and events count from 1`, async (t) => {
    const { game, server, posts } = await play(t)
    game.press('KeyA')
    server.epoch++
    server.last('in').refuse(status, status === 410 ? 'gone' : 'no_token')
    await settle()
    assert.equal(server.of('join').length, 2)
    assert.equal(server.last('out').token, 'token2')
    server.last('out').write(server.key(7))
    await settle()
    assert.equal(game.state, 'open')
    assert.equal(game.reason, undefined)
    game.press('KeyB')
    assert.deepEqual(posts().slice(1), [batch(7, 1, ['down', 'KeyB'])])
    assert.equal(server.last('in').token, 'token2')
  })
}

test('410 while out is away does not post on and on', async (t) => {
  const { game, server, out } = await play(t, { in: (call) => call.refuse(410, 'gone') })
  server.rules.out = (call) => call.fail()
  out.fail()
  await pass(300)
  game.press('KeyA')
  await pass(300)
  assert.equal(server.of('in').length, 1)
})

test('403 ends the game', async (t) => {
  const { game, server } = await play(t)
  game.press('KeyA')
  server.last('in').refuse(403, 'kicked')
  await settle()
  assert.deepEqual([game.state, (await game.closed).reason], ['closed', 'kicked'])
})

test('at most 128 events a batch, 512 that wait, and telling of more', async (t) => {
  const { game, server, errors, posts } = await play(t)
  for (let i = 0; i < 600; i++) game.press('KeyA')
  assert.deepEqual([errors.length, errors[0].code], [88, 'overflow'])
  server.last('in').reply(204)
  await settle()
  assert.equal(posts().at(-1), batch(100, 2, ...Array(128).fill(['down', 'KeyA'])))
})
