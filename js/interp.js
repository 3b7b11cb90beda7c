// @ts-check
// Interpolation: which moment of the match a repaint shows, and where a sprite was at that moment.
//
// Frame n stands at n·dt on the match's own timeline, dt = 1000/fps. A page shows a moment a little in
// the past, so that the frame after it has usually arrived: the delay is measured, and steered slowly.
// All times are in ms; nothing here reads a clock or touches the DOM.

const WINDOW = 10000 // ms over which the quickest frame counts as one that was not held up at all
const LATES = 128 // frames whose lateness the delay covers, all but the latest 3 %
const MAX_DELAY = 400
const SNAP = 500 // ms from where it should be at which the shown moment jumps instead of slewing
const FASTER = 0.05 // the shown moment gains at most this share of the elapsed time,
const SLOWER = 0.1 // and loses at most this share
const MAX_AHEAD = 100 // ms a sprite moves on past the last frame that has arrived
const FADE = 60 // ms in which what that movement got wrong shrinks to 1/e

/**
 * Playout decides which moment of the match a repaint shows. Tell it every frame as it arrives with
 * {@link Playout.frame}, and ask {@link Playout.at} once per repaint.
 */
export class Playout {
  /** @readonly */ dt
  #send
  /** arrival − n·dt of the last frames, a ring @type {Float64Array} */ #raw = new Float64Array(LATES)
  #frames = 0
  #sorted = new Float64Array(LATES)
  /** the smallest arrival − n·dt in each of the last seconds @type {Float64Array} */
  #lows = new Float64Array(WINDOW / 1000 + 1).fill(Infinity)
  #second = 0
  /** the smallest of all these: the arrival of frame 0 had nothing held it up */ #base = 0
  #target = 0
  #newest = 0
  #cursor = 0
  #asked = 0
  #lag = 0
  #playing = false
  #holding = false
  #jump = false
  #runSince = 0
  #runLow = Infinity

  /**
   * @param {number} fps frames a second of the match
   * @param {number} [send] frames from one that is sent to the next
   */
  constructor(fps, send = 1) {
    this.dt = 1000 / fps
    this.#send = send * this.dt
    this.#target = 1.25 * this.#send
  }

  /** The moment of the newest frame. */
  get newest() {
    return this.#newest * this.dt
  }

  /** How far the last repaint was behind a frame that nothing held up. */
  get lag() {
    return this.#lag
  }

  /**
   * Counts a frame that arrived.
   * @param {number} n its number, above the last one's
   * @param {number} arrival on the clock that {@link Playout.at} is asked with
   */
  frame(n, arrival) {
    const raw = arrival - n * this.dt
    this.#newest = n
    this.#raw[this.#frames++ % LATES] = raw
    this.#keepLow(raw, arrival)
    this.#rebase(raw, arrival)

    const count = Math.min(this.#frames, LATES)
    this.#sorted.fill(Infinity)
    for (let i = 0; i < count; i++) this.#sorted[i] = this.#raw[i]
    this.#sorted.sort()
    const q = Math.max(this.#sorted[Math.ceil(0.97 * count) - 1] - this.#base, 0)
    this.#target = Math.min(Math.max(this.#send + q + 4, 1.25 * this.#send), MAX_DELAY)
  }

  /**
   * Returns the moment to show, on the match's timeline. It does not go back.
   * @param {number} now at or above that of the call before
   */
  at(now) {
    if (this.#frames === 0) return 0
    const want = now - this.#base - this.#target
    const elapsed = Math.max(now - this.#asked, 0)
    this.#asked = now
    const off = want - (this.#cursor + elapsed)
    if (!this.#playing) {
      this.#playing = true
      this.#cursor = want
    } else if (this.#jump || off > SNAP) {
      this.#cursor = Math.max(this.#cursor, want)
      this.#holding = false
    } else if (off < -SNAP || this.#holding) {
      // The frames fell behind for good, and everything has long come to rest past the newest one:
      // that is where it stays until they are back in step.
      this.#cursor = Math.min(this.#cursor, this.newest + MAX_AHEAD)
      this.#holding = want < this.#cursor
    } else {
      this.#cursor += elapsed + Math.min(Math.max(off, -SLOWER * elapsed), FASTER * elapsed)
    }
    this.#jump = false
    this.#lag = now - this.#base - this.#cursor
    return this.#cursor
  }

  /** Makes the next repaint show the right moment at once, and forgets how late frames were: after the page was hidden. */
  snap() {
    this.#jump = true
    this.#frames = Math.min(this.#frames, 1)
    this.#raw[0] = this.#base
  }

  /** Forgets everything: another match, with other frame numbers. */
  reset() {
    this.#lows.fill(Infinity)
    this.#frames = 0
    this.#playing = this.#holding = this.#jump = false
    this.#runLow = Infinity
    this.#target = 1.25 * this.#send
  }

  /**
   * Takes raw into the minimum over the last 10 s, kept by seconds.
   * @param {number} raw
   * @param {number} arrival
   */
  #keepLow(raw, arrival) {
    const lows = this.#lows
    const second = Math.floor(arrival / 1000)
    const passed = Math.min(Math.max(second - this.#second, 0), lows.length)
    for (let i = 1; i <= passed; i++) lows[(this.#second + i) % lows.length] = Infinity
    if (passed === lows.length) lows.fill(Infinity)
    this.#second = Math.max(second, this.#second)
    const slot = this.#second % lows.length
    lows[slot] = Math.min(lows[slot], raw)
    this.#base = Infinity
    for (let i = 0; i < lows.length; i++) this.#base = Math.min(this.#base, lows[i])
  }

  /**
   * Gives the window up early when, for half a second, no frame came within what a delay can cover: a
   * server that was suspended numbers on where it stopped, and every later frame is late by that long.
   * @param {number} raw
   * @param {number} arrival
   */
  #rebase(raw, arrival) {
    if (raw - this.#base + this.#send + 4 <= MAX_DELAY) {
      this.#runLow = Infinity
      return
    }
    if (this.#runLow === Infinity) this.#runSince = arrival
    this.#runLow = Math.min(this.#runLow, raw)
    if (arrival - this.#runSince < SNAP) return
    this.#lows.fill(Infinity)
    this.#lows[this.#second % this.#lows.length] = this.#base = this.#runLow
    this.#runLow = Infinity
  }
}

const WIDTH = 5 // numbers a sample: moment, x, y, angle, moment at which the step to it began

/**
 * Track is the recent past of one sprite: where it was at which frame. {@link Track.at} sets x, y and
 * angle and allocates nothing.
 */
export class Track {
  x = 0
  y = 0
  angle = 0
  /** units a second past the newest frame, where the sprite says it itself @type {readonly number[] | undefined} */
  vel
  #dt
  #ring
  #size
  #count = 0
  /** the last call of at: its moment, whether it showed more than was known, the error that is fading */
  #shown = -Infinity
  #ahead = false
  #ex = 0
  #ey = 0
  #px = 0
  #py = 0

  /** @param {number} dt ms from frame to frame */
  constructor(dt) {
    this.#dt = dt
    this.#size = Math.ceil((MAX_DELAY + MAX_AHEAD) / dt) + 4
    this.#ring = new Float64Array(this.#size * WIDTH)
  }

  /** The moment of the last sample, −∞ without one. */
  get last() {
    return this.#count === 0 ? -Infinity : this.#ring[this.#slot(this.#count - 1)]
  }

  /**
   * Records where the sprite is at frame n; a second sample of one frame replaces the first.
   * @param {number} n at or above that of the sample before
   * @param {number} x
   * @param {number} y
   * @param {number} angle radians
   * @param {number} span frames in which it came here from the sample before, 0 when it jumped
   * @param {number} [snap] the distance over which a step is a jump
   */
  add(n, x, y, angle, span, snap = Infinity) {
    const ring = this.#ring
    const moment = n * this.#dt
    let from = Math.max(moment - span * this.#dt, this.last)
    if (this.last === moment) from = ring[this.#slot(--this.#count) + 4]
    if (this.#count > 0) {
      const before = this.#slot(this.#count - 1)
      if (Math.hypot(x - ring[before + 1], y - ring[before + 2]) > snap) from = moment
    }
    const at = this.#slot(this.#count++)
    ring[at] = moment
    ring[at + 1] = x
    ring[at + 2] = y
    ring[at + 3] = angle
    ring[at + 4] = from
  }

  /** Forgets all samples, so that the next one is not come to from anywhere. */
  clear() {
    this.#count = 0
    this.#ahead = false
    this.#ex = this.#ey = 0
  }

  /**
   * Sets x, y and angle to where the sprite was at a moment.
   * @param {number} t the moment, from {@link Playout.at}
   * @param {number} newest the moment of the newest frame: a sprite without a sample there was at rest
   * @param {number} snap a distance over which an error is not faded out but corrected at once
   * @returns {boolean} whether a later moment may show something else, with no further frame
   */
  at(t, newest, snap) {
    if (this.#count === 0) return false
    if (this.#ahead) this.#correct(newest, snap)
    const elapsed = t - this.#shown
    if (elapsed > 0 && (this.#ex !== 0 || this.#ey !== 0)) {
      const left = Math.exp(-elapsed / FADE)
      const gone = Math.abs(this.#ex) + Math.abs(this.#ey) < snap / 1000
      this.#ex = gone ? 0 : this.#ex * left
      this.#ey = gone ? 0 : this.#ey * left
    }
    const moving = this.#look(t, newest)
    this.#shown = t
    this.#ahead = t > newest && this.last === newest
    this.#px = this.x
    this.#py = this.y
    this.x += this.#ex
    this.y += this.#ey
    return moving || this.#ex !== 0 || this.#ey !== 0
  }

  /**
   * Keeps what was shown too far ahead as an error, now that more is known.
   * @param {number} newest
   * @param {number} snap
   */
  #correct(newest, snap) {
    this.#look(this.#shown, newest)
    const ex = this.#ex + this.#px - this.x
    const ey = this.#ey + this.#py - this.y
    const small = Math.hypot(ex, ey) <= snap
    this.#ex = small ? ex : 0
    this.#ey = small ? ey : 0
    this.#ahead = false
  }

  /**
   * Sets x, y and angle to what the samples say about t.
   * @param {number} t
   * @param {number} newest
   */
  #look(t, newest) {
    const ring = this.#ring
    const end = this.#count - 1
    const first = Math.max(0, this.#count - this.#size)
    let i = end
    while (i > first && ring[this.#slot(i)] > t) i--
    const a = this.#slot(i)
    if (i === end) {
      const ahead = ring[a] === newest ? Math.min(Math.max(t - newest, 0), MAX_AHEAD) : 0
      this.#extrapolate(a, i > first ? this.#slot(i - 1) : -1, ahead - (ahead * ahead) / (2 * MAX_AHEAD))
      return t < ring[a] || (ring[a] === newest && t < newest + MAX_AHEAD)
    }
    const b = this.#slot(i + 1)
    const begin = ring[b + 4]
    const k = t > begin && t > ring[a] ? Math.min((t - begin) / (ring[b] - begin), 1) : 0
    this.x = ring[a + 1] + k * (ring[b + 1] - ring[a + 1])
    this.y = ring[a + 2] + k * (ring[b + 2] - ring[a + 2])
    this.angle = ring[a + 3] + k * turn(ring[a + 3], ring[b + 3])
    return true
  }

  /**
   * Sets x, y and angle to the sample in slot a, moved on for some ms as it came from slot p. The caller
   * brakes evenly to a stop, since a sprite that stopped sends no frame to say so.
   * @param {number} a
   * @param {number} p −1 for none
   * @param {number} ms
   */
  #extrapolate(a, p, ms) {
    const ring = this.#ring
    this.x = ring[a + 1]
    this.y = ring[a + 2]
    this.angle = ring[a + 3]
    if (ms === 0) return
    const step = ring[a] - ring[a + 4]
    const came = p >= 0 && step > 0
    if (this.vel) {
      this.x += (this.vel[0] * ms) / 1000
      this.y += (this.vel[1] * ms) / 1000
    } else if (came) {
      this.x += ((ring[a + 1] - ring[p + 1]) / step) * ms
      this.y += ((ring[a + 2] - ring[p + 2]) / step) * ms
    }
    if (came) this.angle += (turn(ring[p + 3], ring[a + 3]) / step) * ms
  }

  /** @param {number} i */
  #slot(i) {
    return (i % this.#size) * WIDTH
  }
}

/**
 * Returns the shorter way round from one angle to another, −π to π.
 * @param {number} from
 * @param {number} to
 */
function turn(from, to) {
  const d = (to - from) % (2 * Math.PI)
  return d > Math.PI ? d - 2 * Math.PI : d < -Math.PI ? d + 2 * Math.PI : d
}
