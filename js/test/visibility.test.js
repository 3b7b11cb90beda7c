// What the browser does with the page: hidden, shown, gone. A document is played by the test.
import assert from 'node:assert/strict'
import test from 'node:test'
import { connect } from '../httpmp.js'
import { Server, pass, settle, stopClock } from './server.js'
import { first, frame, record } from './wire.js'

async function play(t, options = {}) {
  let game
  t.after(async () => {
    game?.close()
    await settle()
  })
  stopClock(t)
  const document = Object.assign(new EventTarget(), { hidden: false, baseURI: 'https://host.test/pong/index.html?x=1' })
  const window = new EventTarget()
  const beacons = []
  const globals = {
    document,
    addEventListener: window.addEventListener.bind(window),
    removeEventListener: window.removeEventListener.bind(window)
  }
  for (const [name, value] of Object.entries(globals)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name)
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]))
  }
  const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  Object.defineProperty(globalThis, 'navigator', { value: { sendBeacon: (url, body) => beacons.push([String(url), body]) }, configurable: true })
  t.after(() => (navigator ? Object.defineProperty(globalThis, 'navigator', navigator) : delete globalThis.navigator))

  const server = new Server()
  game = await connect({ fetch: server.fetch, ...options })
  await settle()
  server.last('out').write(server.key())
  await settle()
  const states = []
  game.on('state', ({ state, reason }) => states.push(`${state} ${reason}`))
  const hide = async (hidden) => {
    document.hidden = hidden
    document.dispatchEvent(new Event('visibilitychange'))
    await settle()
  }
  return { game, server, hide, window, beacons, states }
}

test('paths are those of the document', async (t) => {
  const { server } = await play(t)
  assert.equal(String(server.last('join').url), 'https://host.test/pong/join')
})

test('a hidden page blurs, polls now and then, and comes back with its base', async (t) => {
  const { game, server, hide, states } = await play(t)
  const stream = server.last('out')
  await hide(true)
  assert.ok(stream.aborted)
  assert.equal(server.last('in').body.at(-1), 7, 'blur')
  server.rules.out = (call) => (call.open(), call.q.m === 'poll' && (call.write(record(first(server.n += 10, 1))), call.end()))
  await pass(20100, 100)
  const polls = server.of('out').slice(1)
  assert.deepEqual(polls.map((c) => [c.q.m, c.q.b, c.q.w]), ['100', '110', '120', '130'].map((b) => ['poll', b, '25000']))
  await hide(false)
  const back = server.last('out')
  assert.deepEqual([back.q.m, back.q.b], ['stream', '140'])
  assert.equal(game.state, 'open')
  assert.deepEqual(states, [], 'nobody needs to know')
})

test('a page that is shown again ends the poll that waits', async (t) => {
  const { server, hide } = await play(t)
  await hide(true)
  await pass(5100, 100)
  const poll = server.last('out')
  assert.equal(poll.q.m, 'poll')
  await hide(false)
  assert.ok(poll.aborted)
  assert.equal(server.last('out').q.m, 'stream')
})

test('a hidden page whose session is gone joins when it is shown', async (t) => {
  const { game, server, hide } = await play(t)
  server.rules.out = (call) => call.refuse(410, 'gone')
  await hide(true)
  await pass(60000, 500)
  assert.equal(server.of('join').length, 1)
  assert.equal(game.state, 'retrying')
  delete server.rules.out
  server.rules.out = new Server().rules.out
  await hide(false)
  assert.equal(server.of('join').length, 2)
  assert.equal(server.last('out').q.m, 'stream')
})

test('a page that goes away leaves, unless it is kept for coming back', async (t) => {
  const { game, window, beacons } = await play(t)
  window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: true }))
  assert.deepEqual(beacons, [])
  window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: false }))
  assert.deepEqual(beacons, [['https://host.test/pong/leave', 'token1']])
  game.close()
  await settle()
  window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: false }))
  assert.equal(beacons.length, 1)
})

test('the network coming back ends the pause', async (t) => {
  const { game, server, window } = await play(t)
  const stream = server.last('out')
  server.rules.out = (call) => call.fail()
  stream.fail()
  await pass(9000)
  const calls = server.of('out').length
  server.rules.out = (call) => call.open()
  window.dispatchEvent(new Event('online'))
  await settle()
  assert.equal(server.of('out').length, calls + 1)
  server.last('out').write(record(first(101, 0)), record(frame(102)))
  await settle()
  assert.equal(game.state, 'open')
})

test('a listener that throws stops nothing, and its error is not lost', async (t) => {
  const { game, server } = await play(t)
  const caught = []
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (err) => caught.push(err.message))
  t.after(() => {
    process.removeAllListeners('uncaughtException')
    for (const fn of before) process.on('uncaughtException', fn)
  })
  const seen = []
  game.on('frame', () => {
    throw new Error('mine')
  })
  game.on('frame', (c) => seen.push(c.n))
  server.last('out').write(record(frame(101)), record(frame(102)))
  await settle()
  assert.deepEqual(seen, [101, 102])
  assert.deepEqual(caught, ['mine', 'mine'])
})
