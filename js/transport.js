// A session over plain HTTP: joins, keeps `out` open by what the network allows, joins again when the
// server forgot it. Never rejects and never throws once it runs: all ends in the state.
import { BadFrame, World } from './decode.js'
import { HTTPMPError, asError, backoff, post, refusal } from './http.js'
import { Ladder } from './ladder.js'
import { Records } from './records.js'
import { Sender } from './sender.js'

const HELLO = 2500 // ms in which a stream must say hello: who holds that back holds back frames too
const WAIT = 20000 // ms that a poll may wait; when the page is hidden
const WAIT_HIDDEN = 25000
const PAUSE_HIDDEN = 5000 // ms between the polls of a hidden page, well below what ends a session
const JOIN_TRIES = 6 // of the first join
const text = new TextDecoder()
const FINAL = ['superseded', 'kicked', 'full', 'error', 'gone']

/**
 * How one response ended.
 * @typedef {object} End
 * @property {string} why
 * @property {boolean} [fine] nothing went wrong: go on at once
 * @property {HTTPMPError} [err]
 * @property {{code: string, retry?: number, msg?: string}} [bye]
 */

/**
 * @typedef {object} Settings
 * @property {URL} base  what join is resolved against
 * @property {typeof fetch} fetch
 * @property {string} [name]
 * @property {unknown} [data]
 * @property {'auto' | 'stream' | 'poll'} mode
 * @property {(state: import('./httpmp.js').State, reason: string) => void} onState
 * @property {(change: import('./httpmp.js').Change, arrival: number) => void} onFrame
 * @property {(err: HTTPMPError) => void} onError
 */

export class Transport {
  /** @type {import('./httpmp.js').State} */
  state = 'connecting'
  reason = ''
  /** @type {'stream' | 'poll'} */
  mode = 'stream'
  id = 0
  fps = 30
  /** @type {World} */
  world = /** @type {any} */ (null) // before the first join
  /** @type {number | null} */
  #hello = null // ms from asking for the first stream to its hello
  sender

  #settings
  #token = ''
  #silence = 1000
  #record = 1 << 20
  #broken = false // the world: ask for a key frame
  #rejoined = false // and not one frame since
  #hidden = false
  #stop = new AbortController() // everything
  /** @type {((end: End) => void) | null} ends the response that is open */
  #cut = null
  #wake = () => {} // ends the pause that is on

  #ladder

  /** @param {Settings} settings */
  constructor(settings) {
    this.#settings = settings
    this.#ladder = new Ladder(settings.mode)
    this.sender = new Sender({
      post: (body) => this.#post('in', body, 5000),
      base: () => this.world.frame,
      gone: () => this.#cut?.({ why: 'gone', err: new HTTPMPError(410, 'gone', 'the session ended') }),
      error: settings.onError,
      refused: (err) => this.close(err.code, err)
    })
  }

  /** ms from an event to the frame that holds it; null while unknown. */
  get latency() {
    return this.sender.latency ?? this.#hello
  }

  /** Joins for the first time. Rejects with an HTTPMPError. */
  async join() {
    await this.#join(JOIN_TRIES)
    this.sender.start()
  }

  /** Keeps `out` open until the end. */
  async run() {
    let fails = 0
    let internal = 0
    while (this.state !== 'closed') {
      const opened = performance.now()
      const end = await this.#out()
      if (this.#closed()) return
      if (end.fine) {
        fails = 0
        if (this.#hidden) await this.#sleep(PAUSE_HIDDEN)
        continue
      }
      const { err, bye } = end
      if (bye && FINAL.includes(bye.code)) {
        return this.close(bye.code, new HTTPMPError(0, bye.code, bye.msg || `the server ended the session: ${bye.code}`))
      }
      const status = err?.status ?? 0
      internal = err?.code === 'internal' ? internal + 1 : 0
      if (status === 401 || status === 410 || internal === 3) {
        internal = 0
        await this.#rejoin(err)
        continue
      }
      if (err && status >= 400 && status < 500 && status !== 429) return this.close(err.code, err)
      if (performance.now() - opened > 2000) fails = 0
      this.#retrying(end.why)
      if (bye) await this.#sleep(bye.retry ?? 500)
      else if (fails > 0 || err?.retry) await this.#sleep(backoff(fails || 1, err?.retry))
      fails++
    }
  }

  /** The page is or is not in the background. @param {boolean} hidden */
  hide(hidden) {
    this.#hidden = hidden
    if (!hidden) this.#wake()
    if (hidden ? this.mode === 'stream' : this.#streaming()) this.#cut?.({ why: 'switch', fine: true })
  }

  /** The network is back: stops waiting for it. */
  online() {
    if (this.state === 'retrying') this.#wake()
  }

  /** Ends the session. @param {string} reason @param {HTTPMPError} [err] why, if something went wrong */
  close(reason, err) {
    if (this.#closed()) return
    // Only our own end: after `superseded` the token is another tab's.
    if (this.#token && reason === 'closed') this.#post('leave', '', 5000, true).catch(() => {})
    this.#token = ''
    this.sender.stop()
    if (err) this.#settings.onError(err)
    this.#set('closed', reason)
    this.#stop.abort()
    this.#cut?.({ why: reason })
    this.#wake()
  }

  /** For a page that goes away: the address and the body that end its session. */
  beacon() {
    return { url: new URL('leave', this.#settings.base), body: this.#token }
  }

  #closed() {
    return this.state === 'closed'
  }

  /** @param {import('./httpmp.js').State} state @param {string} reason */
  #set(state, reason) {
    if (state === this.state && reason === this.reason) return
    this.state = state
    this.reason = reason
    this.#settings.onState(state, reason)
  }

  /** @param {string} reason */
  #retrying(reason) {
    if (this.state !== 'connecting') this.#set('retrying', reason)
  }

  /** @param {number} ms */
  #sleep(ms) {
    return new Promise((/** @type {(v?: unknown) => void} */ resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** @param {string} path @param {BodyInit} body @param {number} ms @param {boolean} [last] outlives the page */
  #post(path, body, ms, last) {
    const headers = { Authorization: `Bearer ${this.#token}` }
    const signal = last ? new AbortController().signal : this.#stop.signal
    return post(this.#settings.fetch, new URL(path, this.#settings.base), { body, headers, keepalive: last }, signal, ms)
  }

  /** @param {number} tries */
  async #join(tries) {
    const { base, fetch, name, data } = this.#settings
    const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
    const body = JSON.stringify({ protos: [2], nonce, name, data, schema: this.world?.schema.hash })
    for (let n = 1; ; n++) {
      try {
        const { text, url } = await post(fetch, new URL('join', base), { body }, this.#stop.signal, 10000)
        if (url) this.#settings.base = new URL('.', url) // where a redirect led
        return this.#joined(text)
      } catch (e) {
        const err = asError(e)
        const { status, code } = err
        const again = code !== 'bad_answer' && (status === 0 || status === 429 || status >= 500)
        if (!again || n >= tries || (code === 'full' && tries < Infinity) || this.#closed()) throw err
        await this.#sleep(backoff(n, err.retry))
        if (this.#closed()) throw err
      }
    }
  }

  /** @param {string} text */
  #joined(text) {
    try {
      const { proto, token, id, epoch, fps, schema, limits = {} } = JSON.parse(text)
      if (proto !== 2 || typeof token !== 'string') throw new Error('no token')
      if (this.world) {
        this.world.reset(epoch, schema)
      } else {
        this.world = new World(schema)
        this.world.epoch = epoch
      }
      this.#token = token
      this.id = id
      this.fps = fps ?? 30
      this.#silence = limits.silence ?? 1000
      this.#record = limits.record ?? 1 << 20
      this.sender.maxBytes = limits.body ?? 8192
      this.sender.maxEvents = limits.events ?? 128
      this.sender.frame = 1000 / this.fps
    } catch (err) {
      throw new HTTPMPError(200, 'bad_answer', `join was answered with ${text.slice(0, 80)}: ${err}`)
    }
  }

  /** The server does not know the token any more. @param {HTTPMPError} [err] */
  async #rejoin(err) {
    this.sender.stop()
    this.#token = ''
    if (this.#rejoined) return this.close('gone', err)
    this.#rejoined = true
    this.#retrying('gone')
    // A page that nobody sees would only join, be throttled by the browser and leave, again and again.
    while (this.#hidden && !this.#closed()) await this.#sleep(2 ** 30)
    if (this.#closed()) return
    try {
      await this.#join(Infinity)
    } catch (e) {
      const why = asError(e)
      return this.close(why.code, why)
    }
    this.#broken = false
    this.sender.start()
  }

  #streaming() {
    return this.#ladder.streams && !this.#hidden
  }

  /** One response of `out`, to its end. @returns {Promise<End>} */
  async #out() {
    const { base, fetch } = this.#settings
    const { world } = this
    const stream = this.#streaming()
    const wait = this.#hidden ? WAIT_HIDDEN : WAIT
    const asked = this.#broken ? 0 : world.frame
    this.mode = stream ? 'stream' : 'poll'
    const url = new URL(`out?b=${asked}&e=${world.epoch}&m=${this.mode}&f=bin&w=${wait}`, base)

    const abort = new AbortController()
    /** @type {End} */
    let end = { why: 'network' }
    /** @type {ReadableStreamDefaultReader<Uint8Array> | undefined} */
    let reader
    this.#cut = (why) => {
      end = why
      abort.abort()
      reader?.cancel().catch(() => {}) // node leaves a read waiting whose stream had just come to its end
    }
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    /** @param {number} ms @param {string} why */
    const watch = (ms, why) => {
      clearTimeout(timer)
      timer = setTimeout(() => this.#cut?.({ why }), ms)
    }
    const began = performance.now()
    const course = { stream, answered: false, hello: false, frames: 0, began }
    watch(stream ? HELLO : wait + 3 * this.#silence, stream ? 'late' : 'silence')
    try {
      const headers = { Authorization: `Bearer ${this.#token}` }
      const res = await fetch(url, { headers, cache: 'no-store', signal: abort.signal })
      if (res.status !== 200 || !res.body) throw await refusal(res)
      course.answered = true
      reader = res.body.getReader()
      const records = new Records(this.#record)
      while (!abort.signal.aborted) {
        const { done, value } = await reader.read()
        if (done || abort.signal.aborted) break
        records.push(value)
        for (let body; !abort.signal.aborted && (body = records.next()); ) {
          const bye = this.#take(body, course)
          if (bye) this.#cut({ why: bye.code, bye })
        }
        if (course.hello || !stream) watch(3 * this.#silence, 'silence')
      }
      if (!stream && !abort.signal.aborted && course.frames && !records.rest) end = { why: 'poll', fine: true }
    } catch (err) {
      if (!abort.signal.aborted) end = this.#fault(err)
    } finally {
      clearTimeout(timer)
      this.#cut = null
      abort.abort()
    }
    const { why, err, bye, fine } = end
    this.#ladder.learn(course, !fine && !bye && (!err || err.code === 'http'), why === 'late')
    return end
  }

  /** @param {unknown} err @returns {End} */
  #fault(err) {
    if (err instanceof HTTPMPError) return { why: err.code, err }
    const broken = err instanceof BadFrame || err instanceof RangeError || err instanceof SyntaxError
    if (broken) this.#broken = true
    return { why: broken ? 'bad_frame' : 'network' }
  }

  /**
   * Handles one record; returns what a bye says.
   * @param {Uint8Array} body @param {import('./ladder.js').Course & {began: number}} course
   */
  #take(body, course) {
    const { world } = this
    switch (body[0] >> 5) {
      case 0: {
        const change = world.apply(body)
        const now = performance.now()
        course.frames++
        const reason = this.#rejoined || this.state === 'connecting' ? 'joined' : 'resumed'
        this.#broken = this.#rejoined = false
        this.sender.acknowledge(change.ack)
        if (this.state !== 'open') {
          this.sender.resend()
          this.#set('open', reason)
        }
        this.#settings.onFrame(change, now)
        if (course.stream && this.#ladder.collects(now)) this.#cut?.({ why: 'switch', fine: true })
        break
      }
      case 1: {
        const ctl = JSON.parse(text.decode(body.subarray(1)))
        if (!('hello' in ctl)) break
        if (ctl.epoch !== world.epoch) world.reset(ctl.epoch)
        else if (!ctl.base) world.expectKey()
        course.hello = true
        if (course.stream) this.#hello ??= performance.now() - course.began
        break
      }
      case 3: {
        const bye = JSON.parse(text.decode(body.subarray(1)))
        return { ...bye, code: String(bye.code) }
      }
    }
    return null
  }
}
