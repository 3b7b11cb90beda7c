import assert from 'node:assert/strict'
import test from 'node:test'
import { HTTPMPError, connect } from '../httpmp.js'
import { Server, pass, settle, stopClock } from './server.js'
import { acking, ball, bye, control, delta, event, first, frame, key, move, record } from './wire.js'

const URL_ = 'https://host.test/pong/'

/** Joins, opens the stream and shows the first frame. */
async function play(t, server, options = {}) {
  stopClock(t)
  const game = await connect({ url: URL_, fetch: server.fetch, ...options })
  const states = []
  const errors = []
  game.on('state', ({ state, reason }) => states.push(`${state} ${reason}`))
  game.on('error', (err) => errors.push(err.code))
  t.after(() => game.close())
  await settle()
  if (server.last('out')?.stream) server.last('out').write(server.key())
  await settle()
  return { game, states, errors, out: server.last('out') }
}

test('join asks for what the caller says, and the stream begins at nothing', async (t) => {
  const server = new Server()
  const { game, states } = await play(t, server, { name: 'Ann', data: { colour: 'red' } })
  const { body, url } = server.last('join')
  assert.equal(String(url), 'https://host.test/pong/join')
  assert.deepEqual({ ...body, nonce: '' }, { protos: [2], nonce: '', name: 'Ann', data: { colour: 'red' } })
  assert.match(body.nonce, /^[0-9a-f]{32}$/)
  const out = server.last('out')
  assert.deepEqual(out.q, { b: '0', e: '77', m: 'stream', f: 'bin', w: '20000' })
  assert.equal(out.token, 'token1')
  assert.deepEqual([game.id, game.fps, game.mode, game.state, game.world.frame], [1, 50, 'stream', 'open', 100])
  assert.deepEqual(states, ['open joined'])
})

test('a join is retried with the same nonce', async (t) => {
  stopClock(t)
  const server = new Server({ join: (call, s) => (s.of('join').length < 3 ? call.fail() : call.json(200, s.session())) })
  const joined = connect({ url: URL_, fetch: server.fetch })
  await pass(1000)
  const game = await joined
  assert.equal(server.of('join').length, 3)
  assert.equal(new Set(server.of('join').map((c) => c.body.nonce)).size, 1)
  game.close()
})

for (const [name, rule, code, calls] of [
  ['refused', (call) => call.refuse(403, 'refused'), 'refused', 1],
  ['full', (call) => call.refuse(503, 'full', { retry: 1000 }), 'full', 1],
  ['unknown protocol', (call) => call.refuse(400, 'proto', { have: [3] }), 'proto', 1],
  ['no JSON', (call) => call.reply(200, '<html>'), 'bad_answer', 1],
  ['nobody there', (call) => call.fail(), 'network', 6]
]) {
  test(`connect rejects: ${name}`, async (t) => {
    stopClock(t)
    const server = new Server({ join: rule })
    const joined = assert.rejects(connect({ url: URL_, fetch: server.fetch }), (err) => err instanceof HTTPMPError && err.code === code)
    await pass(10000, 50)
    await joined
    assert.equal(server.of('join').length, calls)
    assert.equal(server.of('out').length, 0)
  })
}

test('connect rejects with the reason of its signal', async (t) => {
  stopClock(t)
  const server = new Server({ join: () => {} })
  const abort = new AbortController()
  const joined = connect({ url: URL_, fetch: server.fetch, signal: abort.signal })
  await settle()
  abort.abort(new Error('enough'))
  await assert.rejects(joined, /enough/)
  await assert.rejects(connect({ url: URL_, fetch: server.fetch, signal: abort.signal }), /enough/)
  assert.ok(server.last('join').aborted)
})

test('frames and events reach their listeners in order', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  const seen = []
  game.on('frame', (change, arrival) => seen.push(['frame', change.n, arrival - 1e6]))
  const off = game.on('goal', (payload) => seen.push(['goal', payload]))
  game.on('state', () => seen.push('state'))
  out.write(record(frame(101, delta(0, event('goal', { by: 1 }), event('state', 'not this one')))))
  await pass(20)
  off()
  out.write(record(frame(102, delta(0, event('goal', { by: 2 })))))
  await settle()
  assert.deepEqual(seen, [['frame', 101, 0], ['goal', { by: 1 }], ['frame', 102, 20]])
})

test('a stream decodes the same however it is cut', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  const bodies = [first(101, 1, delta(0, event('say', 'long '.repeat(60)))), frame(102), acking(103, 1, delta(0, event('say', 'end')))]
  let seen = []
  game.on('say', (text) => seen.push(text.length))
  const all = Buffer.concat(bodies.map(record))
  const want = [300, 3]
  for (let cut = 1; cut < all.length; cut++) {
    seen = []
    out.write(server.key(100), Uint8Array.from(all.subarray(0, cut)), Uint8Array.from(all.subarray(cut)))
    await settle()
    assert.deepEqual(seen, want, `cut at ${cut}`)
  }
  seen = []
  out.write(server.key(100), ...Array.from(all, (b) => Uint8Array.of(b)))
  await settle()
  assert.deepEqual(seen, want, 'cut everywhere')
  assert.equal(game.world.frame, 103)
  assert.equal(server.of('out').length, 1)
})

test('a broken stream is reopened at once with the base, then with growing pauses', async (t) => {
  const server = new Server()
  const { game, states, out } = await play(t, server)
  out.write(record(frame(101)))
  await pass(2500)
  server.rules.out = (call) => call.fail()
  out.fail()
  await settle()
  assert.equal(server.of('out').length, 2)
  assert.equal(server.last('out').q.b, '101')
  assert.equal(game.state, 'retrying')
  const gaps = []
  for (let i = 0; i < 1500; i++) {
    await pass(10)
    const calls = server.of('out')
    gaps[calls.length] = calls.at(-1).at - calls.at(-2).at
  }
  // Half of 0.1, 0.2, 0.4 … 4 s, for Math.random is 0.5 here.
  assert.deepEqual(gaps.slice(3, 10), [50, 100, 200, 400, 800, 1600, 2000])
  delete server.rules.out
  assert.deepEqual(states, ['open joined', 'retrying network'])
})

test('after a break the stream goes on from the base and the state says so', async (t) => {
  const server = new Server()
  const { game, states, out } = await play(t, server)
  out.fail()
  await settle()
  const again = server.last('out')
  assert.equal(again.q.b, '100')
  again.write(record(first(105, 0, delta(0, ball(1, 9)))))
  await settle()
  assert.deepEqual(states, ['open joined', 'retrying network', 'open resumed'])
  assert.ok(game.world.sprites.has(9))
})

test('silence of three times the limit reopens', async (t) => {
  const server = new Server()
  const { states, out } = await play(t, server)
  await pass(2990)
  assert.equal(server.of('out').length, 1)
  await pass(20)
  assert.ok(out.aborted)
  assert.equal(server.of('out').length, 2)
  assert.deepEqual(states, ['open joined', 'retrying silence'])
})

test('a frame that cannot be applied reopens without a base', async (t) => {
  const server = new Server()
  const { game, states, out } = await play(t, server)
  const warned = []
  game.on('say', (s) => warned.push(s))
  out.write(record(frame(101, delta(0, move(5, 1, 1), event('say', 'never')))))
  await settle()
  assert.ok(out.aborted)
  assert.equal(server.last('out').q.b, '0')
  assert.equal(game.world.frame, 100)
  server.last('out').write(server.key(110))
  await settle()
  assert.deepEqual(states, ['open joined', 'retrying bad_frame', 'open resumed'])
  assert.deepEqual(warned, [])
})

for (const body of [[0], [0x80, 0x80, 0x80, 0x01]]) {
  test(`a record of an impossible length reopens: ${body}`, async (t) => {
    const server = new Server()
    const { out } = await play(t, server)
    out.write(Uint8Array.from(body))
    await settle()
    assert.equal(server.last('out').q.b, '0')
  })
}

test('padding and records for later are skipped', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  out.write(record([0x40, 1, 2, 3]), record([0x80, 9]), control({ news: 1 }), record(frame(101)))
  await settle()
  assert.equal(game.world.frame, 101)
})

for (const code of ['superseded', 'kicked', 'full', 'error', 'gone']) {
  test(`bye ${code} is final`, async (t) => {
    const server = new Server()
    const { game, errors, out } = await play(t, server)
    out.write(bye({ code, msg: 'so it is' }))
    await pass(5000, 100)
    assert.equal(game.state, 'closed')
    const { reason, error } = await game.closed
    assert.equal(reason, code)
    assert.equal(error.message, 'so it is')
    assert.deepEqual(errors, [code])
    // The token may be another tab's by now: nothing is said about it.
    assert.deepEqual(server.calls.map((c) => c.path), ['join', 'out'])
  })
}

for (const code of ['shutdown', 'rotate']) {
  test(`bye ${code} reopens when it says`, async (t) => {
    const server = new Server()
    const { states, out } = await play(t, server)
    out.write(bye({ code, retry: 700 }))
    await pass(690)
    assert.equal(server.of('out').length, 1)
    await pass(20)
    assert.equal(server.of('out').length, 2)
    assert.equal(server.last('out').q.b, '100')
    assert.deepEqual(states, ['open joined', `retrying ${code}`])
  })
}

test('a restarted server is joined again, and the same world goes on with its match', async (t) => {
  const server = new Server()
  const { game, states, out } = await play(t, server)
  const { world } = game
  out.write(record(frame(101, delta(0, ball(1, 1)))))
  await settle()
  const old = world.sprites.get(1)
  server.epoch = 78
  server.rules.out = (call) => call.refuse(410, 'gone')
  out.write(bye({ code: 'shutdown', retry: 100 }))
  await pass(90)
  const removed = []
  game.on('frame', (change) => removed.push(...change.removed))
  delete server.rules.out
  server.rules.out = (call, s) => (call.token === 'token1' ? call.refuse(410, 'gone') : new Server().rules.out(call, s))
  await pass(50)
  assert.equal(server.of('join').length, 2)
  assert.notEqual(server.of('join')[0].body.nonce, server.of('join')[1].body.nonce)
  assert.equal(server.of('join')[1].body.schema, '00000001')
  assert.deepEqual(server.last('out').q.b + ' ' + server.last('out').q.e, '0 78')
  assert.equal(server.last('out').token, 'token2')
  assert.equal(world.sprites.get(1), old, 'shown until something else is')
  server.last('out').write(server.key(5, 0, ball(1, 1)))
  await settle()
  assert.equal(game.world, world)
  assert.deepEqual(removed, [old])
  assert.notEqual(world.sprites.get(1), old)
  assert.equal(game.id, 2)
  assert.deepEqual(states, ['open joined', 'retrying shutdown', 'retrying gone', 'open joined'])
})

test('a session that is gone twice without a frame between is closed', async (t) => {
  const server = new Server()
  const { game, errors, out } = await play(t, server)
  server.rules.out = (call) => call.refuse(410, 'gone')
  out.fail()
  await pass(500)
  assert.equal(game.state, 'closed')
  assert.equal(server.of('join').length, 2)
  assert.deepEqual(errors, ['gone'])
})

test('out: what is the client’s bug or the server’s will ends it', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  server.rules.out = (call) => call.refuse(403, 'kicked')
  out.fail()
  await settle()
  assert.equal(game.state, 'closed')
  assert.equal((await game.closed).reason, 'kicked')
})

test('out: 503 waits as long as it says, three times 500 joins again', async (t) => {
  const server = new Server()
  const { out } = await play(t, server)
  server.rules.out = (call) => call.refuse(503, 'starting', { retry: 1000 })
  out.fail()
  await pass(1000)
  assert.equal(server.of('out').length, 2)
  await pass(60)
  assert.equal(server.of('out').length, 3)
  server.rules.out = (call) => call.refuse(500, 'internal')
  await pass(4000)
  assert.equal(server.of('join').length, 2)
})

test('a hello of another epoch asks for a key frame', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  server.epoch = 78
  out.fail()
  await settle()
  server.last('out').write(record(first(3, 0)))
  await pass(60)
  assert.equal(server.of('out').length, 3)
  assert.equal(server.last('out').q.e + ' ' + server.last('out').q.b, '78 0')
  await pass(100)
  server.last('out').write(server.key(4))
  await settle()
  assert.equal(game.world.frame, 4)
  assert.equal(game.state, 'open')
})

test('no hello within 2.5 s: polls, and keeps to it', async (t) => {
  stopClock(t)
  const server = new Server({ out: (call) => call.open() })
  const game = await connect({ url: URL_, fetch: server.fetch })
  await pass(2490)
  assert.equal(game.mode, 'stream')
  await pass(20)
  assert.equal(game.mode, 'poll')
  const poll = server.last('out')
  assert.deepEqual(poll.q, { b: '0', e: '77', m: 'poll', f: 'bin', w: '20000' })
  poll.write(server.key(100), record(frame(101)))
  poll.end()
  await settle()
  assert.equal(game.state, 'open')
  assert.equal(server.last('out').q.b + server.last('out').q.m, '101poll')
  assert.equal(server.of('out').length, 3)
  game.close()
})

test('two streams that end without a hello: polls', async (t) => {
  stopClock(t)
  const server = new Server({ out: (call) => (call.open(), call.q.m === 'stream' && call.end()) })
  const game = await connect({ url: URL_, fetch: server.fetch })
  await pass(200)
  assert.deepEqual(server.of('out').map((c) => c.q.m), ['stream', 'stream', 'poll'])
  server.last('out').write(server.key())
  server.last('out').end()
  await settle()
  assert.equal(server.last('out').q.m, 'poll')
  game.close()
})

test('where streams worked before, a poll that works brings them back once', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  server.rules.out = (call) => call.fail()
  out.fail()
  await pass(60)
  assert.equal(server.last('out').q.m, 'stream')
  await pass(1000)
  assert.equal(server.last('out').q.m, 'poll')
  server.rules.out = (call) => (call.open(), call.q.m === 'poll' && (call.write(record(first(120, 0))), call.end()))
  await pass(2000)
  assert.equal(game.state, 'open')
  assert.equal(game.mode, 'stream')
  server.rules.out = (call) => call.open()
  await pass(2600)
  assert.equal(game.mode, 'poll')
  server.last('out').write(record(first(121, 0)))
  server.last('out').end()
  await settle()
  assert.equal(game.mode, 'poll', 'that was the last try')
})

test('mode poll never streams, mode stream never polls', async (t) => {
  stopClock(t)
  const server = new Server({ out: (call) => call.fail() })
  const a = await connect({ url: URL_, fetch: server.fetch, mode: 'stream' })
  await pass(3000)
  assert.ok(server.of('out').length > 4 && server.of('out').every((c) => c.q.m === 'stream'))
  a.close()
  const other = new Server()
  const b = await connect({ url: URL_, fetch: other.fetch, mode: 'poll' })
  await settle()
  other.last('out').write(other.key())
  other.last('out').end()
  await settle()
  assert.deepEqual(other.of('out').map((c) => c.q.m + c.q.b), ['poll0', 'poll100'])
  b.close()
})

test('a poll is given its wait and three times the silence', async (t) => {
  stopClock(t)
  const server = new Server({ out: (call) => call.open() })
  const game = await connect({ url: URL_, fetch: server.fetch, mode: 'poll' })
  await pass(22900, 100)
  assert.equal(server.of('out').length, 1)
  await pass(200)
  assert.equal(server.of('out').length, 2)
  game.close()
})

test('an empty poll answer is no reason to hurry', async (t) => {
  stopClock(t)
  const server = new Server({ out: (call) => (call.open(), call.end()) })
  const game = await connect({ url: URL_, fetch: server.fetch, mode: 'poll' })
  await pass(1000)
  assert.ok(server.of('out').length < 8, `${server.of('out').length} polls`)
  game.close()
})

test('bursts after gaps, three in 30 s: a proxy collects, so it polls', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  let n = 100
  for (let i = 0; i < 3; i++) {
    assert.equal(game.mode, 'stream', `burst ${i}`)
    await pass(1100, 100)
    for (let k = 0; k < 6; k++) out.write(record(frame(++n)))
    await settle()
  }
  assert.equal(game.mode, 'poll')
  assert.equal(game.state, 'open')
  assert.equal(server.last('out').q.b, String(game.world.frame))
})

test('gaps alone, or bursts over a longer time, mean nothing', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  let n = 100
  for (let i = 0; i < 10; i++) {
    await pass(1100, 100)
    for (let k = 0; k < 4; k++) out.write(record(frame(++n)))
    await pass(30)
    for (let k = 0; k < 4; k++) out.write(record(frame(++n)))
  }
  for (let i = 0; i < 3; i++) {
    for (let k = 0; k < 16; k++) {
      await pass(1000, 500)
      out.write(record(frame(++n)))
    }
    await pass(1100, 550)
    for (let k = 0; k < 6; k++) out.write(record(frame(++n)))
    await settle()
  }
  assert.equal(game.mode, 'stream')
  assert.equal(server.of('out').length, 1)
})

test('close leaves, ends all requests and leaves no timer behind', async (t) => {
  const server = new Server()
  const { game, states, out } = await play(t, server)
  server.rules.in = () => {}
  game.press('ArrowUp')
  game.close()
  game.close()
  game.press('ArrowDown')
  await settle()
  assert.ok(out.aborted)
  assert.ok(server.last('in').aborted)
  assert.deepEqual([server.last('leave').token, server.last('leave').init.keepalive], ['token1', true])
  const calls = server.calls.length
  await pass(60000, 1000)
  assert.equal(server.calls.length, calls)
  assert.deepEqual(states, ['open joined', 'closed closed'])
  assert.deepEqual(await game.closed, { reason: 'closed', error: null })
})

test('the signal closes', async (t) => {
  const server = new Server()
  const abort = new AbortController()
  const { game } = await play(t, server, { signal: abort.signal })
  abort.abort()
  await settle()
  assert.equal(game.state, 'closed')
  assert.ok(server.last('leave'))
})

test('a game closed from a listener stays closed', async (t) => {
  const server = new Server()
  const { game, out } = await play(t, server)
  game.on('frame', () => game.close())
  out.write(record(frame(101)), record(frame(102)))
  await pass(1000, 100)
  assert.equal(game.world.frame, 101)
  assert.equal(server.of('out').length, 1)
})

test('siblings of join are found where a redirect led', async (t) => {
  stopClock(t)
  const server = new Server({
    join: (call, s) => {
      const res = new Response(JSON.stringify(s.session()))
      Object.defineProperty(res, 'url', { value: 'https://other.test/x/join' })
      call.done.resolve(res)
    }
  })
  const game = await connect({ url: 'https://host.test/pong', fetch: server.fetch })
  await settle()
  assert.equal(String(server.last('join').url), 'https://host.test/pong/join')
  assert.equal(server.last('out').url.href.split('?')[0], 'https://other.test/x/out')
  game.close()
})

test('latency is unknown, then that of the hello, then of events', async (t) => {
  stopClock(t)
  const server = new Server({ out: (call) => call.open() })
  const game = await connect({ url: URL_, fetch: server.fetch })
  assert.equal(game.latency, null)
  await pass(40)
  const out = server.last('out')
  out.write(control({ hello: 2, epoch: 77, frame: 100, base: 0 }), server.key())
  await settle()
  assert.equal(game.latency, 40)
  game.press('KeyA')
  await pass(60)
  out.write(record(acking(101, 1)))
  await settle()
  assert.equal(game.latency, 60)
  game.release('KeyA')
  await pass(140)
  out.write(record(acking(102, 1)))
  await settle()
  assert.equal(game.latency, 70)
  game.close()
})
