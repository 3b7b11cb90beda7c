import assert from 'node:assert/strict'
import test from 'node:test'
import { Track } from '../interp.js'
import { Playout } from '../playout.js'

/** Random numbers from 0 to 1 that are the same each time. @param {number} seed */
function random(seed) {
  return () => ((seed = (seed * 48271) % 2147483647) - 1) / 2147483646
}

/**
 * Plays frames that arrive at given times against repaints at 60 Hz.
 * @param {{fps: number, frames: [n: number, arrival: number][], from?: number, to: number, each?: (now: number, t: number) => void,
 *   onFrame?: (n: number) => void, playout?: Playout}} o
 */
function run({ fps, frames, from = 0, to, each = () => {}, onFrame = () => {}, playout = new Playout(fps) }) {
  let i = 0
  for (let now = from; now <= to; now += 1000 / 60) {
    for (; i < frames.length && frames[i][1] <= now; i++) {
      playout.frame(...frames[i])
      onFrame(frames[i][0])
    }
    if (i > 0) each(now, playout.at(now))
  }
  return playout
}

/**
 * Frames 1 to count, each late by a random part of jitter, in order.
 * @param {number} fps @param {number} count @param {number} jitter ms @param {number} [start]
 * @returns {[number, number][]}
 */
function jittered(fps, count, jitter, start = 0) {
  const rnd = random(7)
  let last = 0
  return Array.from({ length: count }, (_, i) => {
    last = Math.max(last, start + ((i + 1) * 1000) / fps + rnd() * jitter)
    return [i + 1, last]
  })
}

for (const { fps, jitter, maxLag, speedError } of [
  { fps: 30, jitter: 0, maxLag: 43, speedError: 0.001 },
  { fps: 30, jitter: 20, maxLag: 60, speedError: 0.1 },
  { fps: 60, jitter: 50, maxLag: 75, speedError: 0.1 },
  { fps: 20, jitter: 150, maxLag: 215, speedError: 0.1 },
]) {
  test(`constant speed at ${fps} fps with ${jitter} ms of jitter`, () => {
    const speed = 0.3 // units a ms
    const track = new Track(1000 / fps)
    const frames = jittered(fps, fps * 20, jitter)
    let last = -Infinity
    let worst = 0
    const playout = new Playout(fps)
    run({
      fps, frames, to: 19000, playout,
      onFrame: (n) => track.add(n, (n * 1000 * speed) / fps, 0, 0, 1),
      each: (now, t) => {
        track.at(t, playout.newest, 1000)
        assert.ok(track.x >= last, `went back at ${now}: ${track.x} after ${last}`)
        if (now > 5000) worst = Math.max(worst, Math.abs((track.x - last) / ((speed * 1000) / 60) - 1))
        last = track.x
      },
    })
    assert.ok(worst <= speedError + 0.001, `speed is off by ${worst}, want at most ${speedError}`)
    assert.ok(playout.lag <= maxLag, `lag = ${playout.lag}, want at most ${maxLag}`)
    assert.ok(playout.lag >= (1.25 * 1000) / fps - 0.01, `lag = ${playout.lag}, want at least 1.25 frames`)
  })
}

test('the delay adapts slowly and comes back', () => {
  const playout = new Playout(30)
  const dt = 1000 / 30
  const frames = Array.from({ length: 30 * 40 }, (_, i) => {
    const at = (i + 1) * dt
    return /** @type {[number, number]} */ ([i + 1, at + (at > 10000 && at < 14000 && i % 2 ? 120 : 0)])
  })
  // In order, as a connection brings them: what was behind a late one is late too.
  for (let i = 0, high = 0; i < frames.length; i++) frames[i][1] = high = Math.max(high, frames[i][1])
  /** @type {Record<number, number>} */
  const lags = {}
  let before = /** @type {{now: number, t: number} | undefined} */ (undefined)
  run({
    fps: 30, frames, to: 39000, playout,
    each: (now, t) => {
      if (before) {
        const rate = (t - before.t) / (now - before.now)
        assert.ok(rate > 0.9 - 1e-9 && rate < 1.05 + 1e-9, `the picture runs at ${rate} of the speed at ${now}`)
      }
      before = { now, t }
      lags[Math.floor(now / 1000)] = playout.lag
    },
  })
  assert.ok(Math.abs(lags[9] - 41.7) < 1, `calm: lag = ${lags[9]}, want 41.7`)
  assert.ok(lags[13] > 120, `rough: lag = ${lags[13]}, want over 120`)
  assert.ok(Math.abs(lags[38] - 41.7) < 1, `calm again: lag = ${lags[38]}, want 41.7`)
})

test('the delay never exceeds 400 ms', () => {
  const frames = /** @type {[number, number][]} */ ([])
  for (let n = 1; n < 300; n++) frames.push([n, (n * 1000) / 30 + (n % 3 ? 390 : 0)])
  const playout = run({ fps: 30, frames, to: 9000 })
  assert.ok(playout.lag <= 400.001 && playout.lag > 300, `lag = ${playout.lag}`)
})

test('a page that was hidden shows the present at once', () => {
  const playout = run({ fps: 30, frames: jittered(30, 60, 5), to: 2000 })
  for (const [n, at] of jittered(30, 1000, 5).slice(60)) playout.frame(n, at)
  playout.snap()
  const t = playout.at(33340)
  assert.ok(33340 - t < 60, `shows ${33340 - t} ms ago, want under 60`)
})

test('a picture over half a second behind jumps', () => {
  const dt = 1000 / 30
  const playout = run({ fps: 30, frames: jittered(30, 60, 5, 700), to: 2600 })
  const held = playout.at(2700)
  for (let n = 61; n < 64; n++) playout.frame(n, 2700) // a quicker way: what was on the first one comes at once
  for (let n = 64; n < 84; n++) playout.frame(n, n * dt) // and all later ones 700 ms sooner
  const t = playout.at(2801)
  assert.ok(t - held > 400, `moved on by ${t - held} ms`)
})

test('a first frame that was held up is forgotten at once', () => {
  const playout = new Playout(30)
  playout.frame(1, 33.4 + 200)
  playout.at(234)
  playout.frame(7, 235)
  playout.at(236)
  assert.ok(playout.lag < 43, `lag = ${playout.lag}, want under 43`)
})

test('a server that was suspended does not leave the picture starving', () => {
  const dt = 1000 / 30
  const frames = jittered(30, 600, 0).map(([n, at]) => /** @type {[number, number]} */ ([n, n > 150 ? at + 3000 : at]))
  const playout = new Playout(30)
  /** @type {number[]} */
  const starving = []
  let shown = -Infinity
  const track = new Track(dt)
  run({
    fps: 30, frames, to: 20000, playout,
    onFrame: (n) => track.add(n, n, 0, 0, 1),
    each: (now, t) => {
      track.at(t, playout.newest, 1000)
      assert.ok(track.x >= shown - 1e-6, `went back at ${now}: ${track.x} after ${shown}`)
      shown = track.x
      if (now > 9500 && t > playout.newest) starving.push(now)
    },
  })
  assert.deepEqual(starving, [])
})

test('another match starts anew', () => {
  const playout = run({ fps: 30, frames: jittered(30, 90, 5), to: 3000 })
  playout.reset()
  playout.frame(5, 4000)
  const t = playout.at(4001)
  assert.ok(Math.abs(t - (5 * (1000 / 30) - 41)) < 3, `shows ${t}`)
})

/** @param {Track} track @param {number} t @param {number} newest */
const x = (track, t, newest) => (track.at(t, newest, 120), track.x)

test('a rest ends with the frame before the next step', () => {
  const track = new Track(10)
  track.add(1, 0, 0, 0, 0)
  track.add(10, 5, 0, 0, 1)
  for (const [t, want] of [[10, 0], [50, 0], [90, 0], [95, 2.5], [100, 5]]) assert.equal(x(track, t, 100), want)
})

test('a catch-up is one long step', () => {
  const track = new Track(10)
  track.add(1, 0, 0, 0, 0)
  track.add(10, 9, 0, 0, 9)
  for (const [t, want] of [[10, 0], [50, 4], [90, 8], [100, 9]]) assert.equal(x(track, t, 100), want)
})

test('a jump is not a step', () => {
  const track = new Track(10)
  track.add(1, 0, 0, 0, 0)
  track.add(2, 300, 0, 0, 1, 120)
  track.add(3, 305, 0, 0, 1, 120)
  for (const [t, want] of [[15, 0], [19.9, 0], [20, 300], [25, 302.5], [30, 305]]) assert.equal(x(track, t, 30), want)
})

test('the shorter way round', () => {
  const track = new Track(10)
  track.add(1, 0, 0, 6, 0)
  track.add(2, 0, 0, 0.2, 1)
  track.at(15, 20, 120)
  assert.ok(track.angle > 6 && track.angle < 6.3, `angle = ${track.angle}`)
})

test('starved, a sprite moves on for 100 ms, braking, and then stays', () => {
  const track = new Track(10)
  track.add(1, 0, 0, 0, 0)
  track.add(2, 1, 0, 0, 1)
  assert.ok(x(track, 30, 20) > 1.9)
  assert.equal(x(track, 120, 20), 6)
  assert.equal(x(track, 900, 20), 6)
  assert.equal(track.at(901, 20, 120), false)
})

test('starved, a sprite with a velocity moves on by it', () => {
  const track = new Track(10)
  track.vel = [100, -100]
  track.add(1, 0, 0, 0, 0)
  assert.equal(x(track, 900, 10), 5)
  assert.equal(track.y, -5)
})

test('a sprite without news in a newer frame is at rest', () => {
  const track = new Track(10)
  track.add(1, 0, 0, 0, 0)
  track.add(2, 1, 0, 0, 1)
  assert.equal(x(track, 60, 50), 1)
})

test('what was shown too far ahead fades, without a leap', () => {
  const track = new Track(10)
  track.add(1, 0, 0, 0, 0)
  track.add(2, 10, 0, 0, 1)
  let last = x(track, 60, 20)
  assert.ok(last > 30)
  for (let t = 65; t < 900; t += 5) {
    const now = x(track, t, 60) // frame 6 has come and says that it stopped at 10
    assert.ok(now <= last && last - now < 4, `leapt from ${last} to ${now}`)
    last = now
  }
  assert.equal(last, 10)
})

test('a ring that is full forgets the oldest', () => {
  const track = new Track(1000 / 30)
  for (let n = 1; n <= 500; n++) track.add(n, n, 0, 0, 1)
  const dt = 1000 / 30
  assert.ok(Math.abs(x(track, 495.5 * dt, 500 * dt) - 495.5) < 1e-6)
  assert.ok(x(track, 0, 500 * dt) > 470)
})

test('two samples of one frame are one', () => {
  const track = new Track(10)
  track.add(1, 0, 0, 0, 0)
  track.add(2, 10, 0, 0, 1)
  track.add(2, 20, 0, 1, 1)
  assert.equal(x(track, 15, 20), 10)
})
