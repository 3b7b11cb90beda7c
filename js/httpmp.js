// The client: `connect` joins a game and returns it. The types and what each member does stand in
// httpmp.d.ts.
import { isCustom } from './batch.js'
import { buttons } from './buttons.js'
import { HTTPMPError } from './http.js'
import { Transport } from './transport.js'

export { BadFrame, Sprite, World } from './decode.js'
export { HTTPMPError } from './http.js'

/** @typedef {import('./httpmp.js').Game} GameType */
/** @typedef {(...args: any[]) => void} Listener */

const MAX_TEXT = 256 // bytes
const MAX_PAYLOAD = 2048
const OWN = ['frame', 'state', 'error']
const utf8 = new TextEncoder()

/** @implements {GameType} */
class Game {
  /** @type {Map<string, Set<Listener>>} */
  #listeners = new Map()
  #transport
  /** @type {Promise<import('./httpmp.js').Closed>} */
  closed

  /** @param {URL} base @param {import('./httpmp.js').Options} options */
  constructor(base, { name, data, fetch = globalThis.fetch.bind(globalThis), mode = 'auto' }) {
    /** @type {HTTPMPError | null} */
    let error = null
    /** @type {(c: import('./httpmp.js').Closed) => void} */
    let resolve
    this.closed = new Promise((r) => (resolve = r))
    this.#transport = new Transport({
      base, name, data, fetch, mode,
      onState: (state, reason) => {
        this.#emit('state', { state, reason })
        if (state === 'closed') resolve({ reason, error })
      },
      onFrame: (change, arrival) => {
        this.#emit('frame', change, arrival)
        for (const [type, payload] of change.events) if (!OWN.includes(type)) this.#emit(type, payload)
      },
      onError: (err) => this.#emit('error', (error = err))
    })
  }

  get state() { return this.#transport.state }
  get mode() { return this.#transport.mode }
  get id() { return this.#transport.id }
  get fps() { return this.#transport.fps }
  get world() { return this.#transport.world }
  get latency() { return this.#transport.latency }

  /** @param {string} type @param {Listener} fn */
  on(type, fn) {
    const set = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, set.add(fn))
    return () => void set.delete(fn)
  }

  /** @param {string} type @param {unknown} payload */
  send(type, payload) {
    if (!isCustom(type)) throw new RangeError(`event type "${type}", want 1 to 32 of a-z 0-9 _ . - and no built-in one`)
    const json = JSON.stringify(payload) ?? 'null'
    const size = utf8.encode(json).length
    if (size > MAX_PAYLOAD) throw new RangeError(`payload of "${type}" has ${size} bytes, want at most ${MAX_PAYLOAD}`)
    this.#push([type, JSON.parse(json)]) // a copy: it may change before it is sent
  }

  /** @param {string} button */
  press(button) { return this.#button('down', button) }
  /** @param {string} button */
  release(button) { return this.#button('up', button) }

  /** @param {number} x @param {number} y */
  pointer(x, y) { this.#numbers(['ptr', x, y], 'ptr') }

  /** @param {number} dx @param {number} dy */
  wheel(dx, dy) { this.#numbers(['wheel', dx, dy], 'wheel', (old) => ['wheel', old[1] + dx, old[2] + dy]) }

  /** @param {'start' | 'move' | 'end' | 'cancel'} phase @param {number} id @param {number} x @param {number} y */
  touch(phase, id, x, y) { this.#numbers(['touch', phase, id & 15, x, y], phase === 'move' ? `touch${id & 15}` : '') }

  /** @param {string} name @param {number} value */
  axis(name, value) {
    if (!/^Pad[0-3]\.Axis(\d|1[0-5])$/.test(name)) throw new RangeError(`axis "${name}", want Pad0.Axis0 to Pad3.Axis15`)
    this.#numbers(['axis', name, Math.min(Math.max(value, -1), 1)], name)
  }

  /** @param {string} s */
  text(s) {
    while (utf8.encode(s).length > MAX_TEXT) s = Array.from(s).slice(0, Math.min(s.length, MAX_TEXT + 1) - 1).join('')
    if (s) this.#push(['text', s])
  }

  blur() { this.#push(['blur']) }

  close() { this.#transport.close('closed') }

  /** Joins and runs. @param {Promise<(game: Game) => () => void>} attach @param {AbortSignal} [signal] */
  async open(attach, signal) {
    const t = this.#transport
    const stop = () => t.close('closed')
    signal?.addEventListener('abort', stop)
    const off = listen(t)
    this.closed.then(() => {
      off()
      signal?.removeEventListener('abort', stop)
    })
    try {
      await t.join()
      const detach = (await attach)(this)
      this.closed.then(detach)
    } catch (err) {
      t.close('closed')
      throw signal?.aborted ? signal.reason : err
    }
    t.run()
  }

  /** @param {import('./batch.js').Event} ev @param {string} [key] @param {(old: import('./batch.js').Event) => import('./batch.js').Event} [merge] */
  #push(ev, key, merge) {
    if (this.state !== 'closed') this.#transport.sender.push(ev, key, merge)
  }

  /** @param {import('./batch.js').Event} ev @param {string} key @param {(old: import('./batch.js').Event) => import('./batch.js').Event} [merge] */
  #numbers(ev, key, merge) {
    if (ev.every((v) => typeof v === 'string' || Number.isFinite(v))) this.#push(ev, key, merge)
  }

  /** @param {'down' | 'up'} type @param {string} button */
  #button(type, button) {
    if (!buttons.has(button)) return false
    this.#push([type, button])
    return true
  }

  /** A listener that throws is the page's bug: it shows there, and nothing here stops. @param {string} type @param {any[]} args */
  #emit(type, ...args) {
    for (const fn of this.#listeners.get(type) ?? []) {
      try {
        fn(...args)
      } catch (err) {
        queueMicrotask(() => {
          throw err
        })
      }
    }
  }
}

/** Tells a transport what the browser does with the page. @param {Transport} t */
function listen(t) {
  if (typeof document === 'undefined') return () => {}
  const hide = () => {
    if (document.hidden) t.sender.push(['blur'])
    t.hide(document.hidden)
  }
  /** @param {PageTransitionEvent} e */
  const leave = (e) => {
    const { url, body } = t.beacon()
    if (!e.persisted && body) navigator.sendBeacon(url, body)
  }
  const online = () => t.online()
  document.addEventListener('visibilitychange', hide)
  addEventListener('pagehide', leave)
  addEventListener('online', online)
  t.hide(document.hidden)
  return () => {
    document.removeEventListener('visibilitychange', hide)
    removeEventListener('pagehide', leave)
    removeEventListener('online', online)
  }
}

/** @param {Pick<import('./httpmp.js').Options, 'canvas' | 'draw' | 'input'>} options @returns {Promise<(game: Game) => () => void>} */
async function attachment({ canvas, draw = true, input = true }) {
  if (!canvas) return () => () => {}
  const [drawing, inputs] = await Promise.all([draw ? import('./draw.js') : null, draw && input ? import('./input.js') : null])
  return (game) => {
    const shown = drawing?.attachDrawing(game, canvas)
    const heard = shown && inputs?.attachInput(game, canvas, shown)
    return () => {
      heard?.close()
      shown?.close()
    }
  }
}

/** @type {typeof import('./httpmp.js').connect} */
export async function connect(options = {}) {
  const { url, signal } = options
  signal?.throwIfAborted()
  const page = typeof document === 'undefined' ? undefined : document.baseURI
  const base = new URL(url ?? '.', page)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  const attach = attachment(options)
  attach.catch(() => {}) // seen by open, if it comes that far
  const game = new Game(base, options)
  await game.open(attach, signal)
  return game
}
