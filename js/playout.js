// @ts-check
// Which moment of the match a repaint shows.
//
// Frame n stands at n·dt on the match's own timeline, dt = 1000/fps. A page shows a moment a little in
// the past, so that the frame after it has usually arrived: the delay is measured, and steered slowly.
// All times are in ms; nothing here reads a clock or touches the DOM.

const WINDOW = 10000 // ms over which the quickest frame counts as one that was not held up at all
const LATES = 128 // frames whose lateness the delay covers, all but the latest 3 %
export const MAX_DELAY = 400
const SETTLE = 10 // frames after a start in which the shown moment jumps to where it should be
const SNAP = 500 // ms from where it should be at which the shown moment jumps instead of slewing
const FASTER = 0.05 // the shown moment gains at most this share of the elapsed time,
const SLOWER = 0.1 // and loses at most this share
export const MAX_AHEAD = 100 // ms a sprite moves on past the last frame that has arrived

/**
 * Playout decides which moment of the match a repaint shows. Tell it every frame as it arrives with
 * {@link Playout.frame}, and ask {@link Playout.at} once per repaint.
 */
export class Playout {
  /** @readonly */ dt
  #send
  /** how late the last frames were, a ring @type {Float64Array} */ #lates = new Float64Array(LATES)
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
    this.#keepLow(raw, arrival)
    this.#rebase(raw, arrival)
    this.#lates[this.#frames++ % LATES] = raw - this.#base

    const count = Math.min(this.#frames, LATES)
    this.#sorted.fill(Infinity)
    for (let i = 0; i < count; i++) this.#sorted[i] = this.#lates[i]
    this.#sorted.sort()
    // Of few frames the latest is left out all the same: the very first one is often held up.
    const q = this.#sorted[Math.max(Math.min(Math.ceil(0.97 * count) - 1, count - 2), 0)]
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
    } else if (this.#jump || off > (this.#frames < SETTLE ? 0 : SNAP)) {
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
    this.#forgetLates()
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
    this.#forgetLates()
  }

  #forgetLates() {
    this.#frames = Math.min(this.#frames, 1)
    this.#lates[0] = 0
  }
}
