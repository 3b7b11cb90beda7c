// What goes up: numbers events, keeps them until a frame acknowledges them, and decides when to post.
import { encodeBatch } from './batch.js'
import { HTTPMPError, backoff } from './http.js'

/** @typedef {import('./batch.js').Event} Event */
/** @typedef {{ev: Event, key: string, sent: number}} Pending  sent: ms when it was first posted, -1: never */

const MAX_FLIGHT = 2 // posts: browsers have six connections a host over HTTP/1.1, and `out` takes one
const MAX_PENDING = 512 // what a server lets wait for one client

/**
 * @typedef {object} Hooks
 * @property {(body: Uint8Array<ArrayBuffer>) => Promise<unknown>} post  rejects with an HTTPMPError
 * @property {() => number} base  the last frame that was applied
 * @property {() => void} gone  the session is no more
 * @property {(err: HTTPMPError) => void} error  tells of an event that was dropped
 * @property {(err: HTTPMPError) => void} refused  the server will not take any event
 */

/** The events of one session. Event n of it is #pending[n - #acked - 1]. */
export class Sender {
  /** ms from an event's post to the frame that acknowledged it, smoothed @type {number | null} */
  latency = null
  /** ms of a frame */
  frame = 1000 / 30
  maxEvents = 128
  maxBytes = 8192

  /** @type {Pending[]} */
  #pending = []
  #acked = 0 // folded into a frame: forgotten
  #queued = 0 // answered with 204: not posted again unless `out` breaks
  #posted = 0
  #flight = 0
  #last = -Infinity // ms of the last post
  #fails = 0
  #session = 0
  #numbering = 0 // changes when a dropped event makes those after it move up
  #running = false
  #backing = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #hooks

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.#hooks = hooks
  }

  /** A session began: posts what waits, numbered from 1. */
  start() {
    this.#running = true
    this.#flush()
  }

  /** The session ended: forgets its events. Those pushed from now on are the next session's. */
  stop() {
    this.#session++
    this.#pending = []
    this.#acked = this.#queued = this.#posted = this.#flight = this.#fails = 0
    this.#running = this.#backing = false
    clearTimeout(this.#timer)
  }

  /**
   * Takes an event.
   * @param {Event} ev
   * @param {string} [key] of a continuous event, such as a pointer's place: one that was not posted yet
   *   is replaced by the next of that key, and it waits until a frame has passed since the last post
   * @param {(old: Event) => Event} [merge] what comes of the one it replaces; ev if absent
   */
  push(ev, key = '', merge) {
    for (let i = this.#pending.length - 1; key && i >= 0; i--) {
      const p = this.#pending[i]
      if (p.sent >= 0 || !p.key) break // what was posted must stay what it was; what happened after it must not overtake it
      if (p.key === key) {
        p.ev = merge ? merge(p.ev) : ev
        return
      }
    }
    if (this.#pending.length >= MAX_PENDING) {
      this.#hooks.error(new HTTPMPError(0, 'overflow', `event ${ev[0]} dropped: ${MAX_PENDING} wait already`))
      return
    }
    this.#pending.push({ ev, key, sent: -1 })
    this.#flush()
  }

  /** A frame arrived that holds event n and all before it. @param {number} n */
  acknowledge(n) {
    const count = Math.min(n - this.#acked, this.#pending.length)
    if (count <= 0) return
    const { sent } = this.#pending[count - 1]
    if (sent >= 0) {
      const ms = performance.now() - sent
      this.latency = this.latency === null ? ms : this.latency + (ms - this.latency) / 8
    }
    this.#pending.splice(0, count)
    this.#acked += count
    this.#queued = Math.max(this.#queued, this.#acked)
    this.#posted = Math.max(this.#posted, this.#acked)
  }

  /** `out` is back: posts everything again that is not acknowledged. */
  resend() {
    this.#queued = this.#posted = this.#acked
    this.#backing = false
    this.#running = true
    this.#flush()
  }

  #flush() {
    const fresh = this.#pending.slice(this.#posted - this.#acked)
    if (!this.#running || this.#backing || !fresh.length || this.#flight >= MAX_FLIGHT) return
    const wait = this.#last + this.frame - performance.now()
    if (wait > 0 && (this.#flight > 0 || fresh.every((p) => p.key))) this.#later(wait)
    else this.#post()
  }

  /** @param {number} ms */
  #later(ms) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#backing = false
      this.#flush()
    }, ms)
  }

  // Posts all that is not queued, also what another post in flight holds: whichever arrives first, the
  // other is then no gap.
  async #post() {
    const now = performance.now()
    const from = this.#queued
    const waiting = this.#pending.slice(from - this.#acked)
    const batch = { seq: from + 1, b: this.#hooks.base(), ev: waiting.map((p) => p.ev) }
    const { body, count } = encodeBatch(batch, this.maxEvents, this.maxBytes)
    for (const p of waiting.slice(0, count)) if (p.sent < 0) p.sent = now
    this.#posted = Math.max(this.#posted, from + count)
    this.#last = now
    this.#flight++
    const session = this.#session
    const numbering = this.#numbering
    try {
      await this.#hooks.post(body)
      if (session !== this.#session) return
      this.#flight--
      this.#fails = 0
      this.#queued = Math.max(this.#queued, from + count)
    } catch (err) {
      if (session !== this.#session) return
      this.#flight--
      this.#refused(/** @type {HTTPMPError} */ (err), from, count, numbering === this.#numbering)
    }
    this.#flush()
  }

  /**
   * @param {HTTPMPError} err @param {number} from @param {number} count
   * @param {boolean} current the events still have the numbers that they were posted with
   */
  #refused(err, from, count, current) {
    const { status, detail } = err
    this.#posted = this.#queued // to be posted again
    if (status === 401 || status === 410) {
      this.#gone()
    } else if (status === 409) {
      const want = Number(detail.want)
      if (!(want > this.#acked && want <= this.#acked + this.#pending.length + 1)) return this.#gone()
      this.#queued = this.#posted = want - 1
      if (++this.#fails > 1) this.#back(err)
    } else if (status === 413 && count > 1) {
      const max = Number(detail.max)
      this.maxEvents = max > 0 && max < count ? max : count >> 1
    } else if (status === 400 || status === 413) {
      if (!current) return // the other post in flight held the same event
      const at = Number(detail.at ?? -1)
      const first = from - this.#acked
      if (at >= 0 && at < count) this.#pending.splice(first + at, 1)
      else this.#pending.splice(first, count)
      this.#numbering++
      this.#hooks.error(err)
    } else if (status === 0 || status === 429 || status >= 500) {
      this.#fails++
      this.#back(err)
    } else {
      this.#hooks.refused(err)
    }
  }

  // Posts nothing more until `out` is back or another session starts.
  #gone() {
    this.#running = false
    this.#hooks.gone()
  }

  /** @param {HTTPMPError} err */
  #back(err) {
    this.#backing = true
    this.#later(backoff(this.#fails, err.retry))
  }
}
