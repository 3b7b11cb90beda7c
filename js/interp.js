// @ts-check
// Interpolation: where a sprite was at a moment of the match, which playout.js chooses. All times are in
// ms; nothing here reads a clock or touches the DOM.

import { MAX_AHEAD, MAX_DELAY } from './playout.js'

const FADE = 60 // ms in which what a sprite was moved on too far shrinks to 1/e
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
      const dx = x - ring[before + 1]
      const dy = y - ring[before + 2]
      if (dx * dx + dy * dy > snap * snap) from = moment
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
   * @param {number} t the moment, from Playout.at
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
    const small = ex * ex + ey * ey <= snap * snap
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
