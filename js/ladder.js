// Whether frames can be streamed on this way, or must be polled: what is learnt from how responses go.
// Page load by page load, for proxies come and go.

const GAP = 1000 // ms without a frame, then a burst: the sign of a proxy that collects
const BURST = 20 // ms in which five frames make a burst
const BURSTS = 3 // so many of them
const WINDOW = 30000 // within so many ms

/**
 * How one response went.
 * @typedef {object} Course
 * @property {boolean} stream  it was to be one
 * @property {boolean} answered  there was a status 200
 * @property {boolean} hello  it said hello
 * @property {number} frames
 */

export class Ladder {
  /** Streaming works. */
  streams = true
  #auto
  #proved = false // it has worked
  #misses = 0 // streams without a hello, one after the other
  #probe = false // a poll that works sends us back to streaming, once
  #probed = false
  /** @type {number[]} */ #bursts = []
  #arrived = 0
  #gap = 0
  #behind = 0

  /** @param {'auto' | 'stream' | 'poll'} mode */
  constructor(mode) {
    this.#auto = mode === 'auto'
    this.streams = mode !== 'poll'
  }

  /**
   * A frame arrived on a stream; reports whether something on the way collects frames, now for sure.
   * @param {number} now
   */
  collects(now) {
    if (this.#arrived && now - this.#arrived > GAP) {
      this.#gap = now
      this.#behind = 0
    }
    this.#arrived = now
    if (!this.#auto || !this.#gap || now - this.#gap > BURST || ++this.#behind !== 5) return false
    this.#gap = 0
    this.#bursts = this.#bursts.filter((t) => now - t < WINDOW)
    if (this.#bursts.push(now) < BURSTS) return false
    this.streams = false
    return true
  }

  /**
   * A response ended. A stream that never said hello is a miss; two of them, or one that took too long,
   * and it is polls. If streaming had worked before, or nobody answered at all, the fault may have been
   * the network's: the first poll that works then brings streaming back, once.
   * @param {Course} course
   * @param {boolean} missed  it ended for no reason that a server gave
   * @param {boolean} late  because the hello did not come in time
   */
  learn({ stream, answered, hello, frames }, missed, late) {
    this.#arrived = this.#gap = 0
    if (stream && hello) {
      this.#proved = true
      this.#probed = false
      this.#misses = 0
    } else if (stream && missed && this.#auto) {
      this.#misses += late ? 2 : 1
      if (this.#misses < 2) return
      this.streams = false
      this.#probe = !this.#probed && (this.#proved || !(answered || late))
    } else if (this.#probe && frames) {
      this.#probe = false
      this.#probed = true
      this.streams = true
      this.#misses = 1
    }
  }
}
