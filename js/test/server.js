// A server that a test plays: every request is a call that the test, or a rule of the test, answers.
import { mock } from 'node:test'
import { control, full, game, key, me, record, schema } from './wire.js'

/** Answers that the rules of most tests start from. */
const RULES = {
  join: (call, server) => call.json(200, server.session()),
  out: (call, server) => {
    call.open()
    if (call.q.m === 'stream') call.write(control({ hello: 2, epoch: server.epoch, frame: server.n, base: Number(call.q.b) }))
  },
  in: (call) => call.reply(204),
  leave: (call) => call.reply(204)
}

class Call {
  constructor(url, init, done) {
    this.path = url.pathname.split('/').pop()
    this.url = url
    this.q = Object.fromEntries(url.searchParams)
    this.init = init
    this.token = init.headers?.Authorization?.slice(7)
    this.at = Date.now()
    this.done = done
    this.aborted = false
    init.signal?.addEventListener('abort', () => {
      this.aborted = true
      this.fail(new DOMException('aborted', 'AbortError'))
    })
  }

  /** The body of a POST, decoded: a batch as {b, seq, events: bytes}. */
  get body() {
    return this.init.body instanceof Uint8Array ? this.init.body : JSON.parse(this.init.body || 'null')
  }

  get seq() {
    return this.body[2] // of a batch with numbers below 128
  }

  reply(status, body = null, headers = {}) {
    this.done.resolve(new Response(body, { status, headers }))
  }

  json(status, body) {
    this.reply(status, JSON.stringify(body))
  }

  refuse(status, code, more = {}) {
    this.json(status, { error: { code, msg: `it is ${code}`, ...more } })
  }

  fail(err = new TypeError('fetch failed')) {
    this.done.reject(err)
    if (this.ended) return
    this.ended = true
    this.stream?.error(err)
  }

  open() {
    this.reply(200, new ReadableStream({ start: (c) => (this.stream = c), cancel: () => (this.ended = true) }))
  }

  write(...chunks) {
    for (const chunk of chunks) if (!this.ended) this.stream.enqueue(chunk)
  }

  end() {
    if (this.ended) return
    this.ended = true
    this.stream.close()
  }
}

export class Server {
  calls = []
  tokens = 0
  epoch = 77
  n = 100

  /** @param {Record<string, (call: Call, server: Server) => void>} [rules] by path */
  constructor(rules = {}) {
    this.rules = { ...RULES, ...rules }
    this.fetch = (url, init) =>
      new Promise((resolve, reject) => {
        const call = new Call(new URL(url), init, { resolve, reject })
        this.calls.push(call)
        if (init.signal?.aborted) return call.fail(new DOMException('aborted', 'AbortError'))
        this.rules[call.path]?.(call, this)
      })
  }

  session(more = {}) {
    this.tokens++
    return {
      proto: 2, token: `token${this.tokens}`, id: this.tokens, epoch: this.epoch, frame: this.n, fps: 50, send: 1, schema,
      limits: { body: 8192, events: 128, record: 1 << 20, silence: 1000, resume: 15000, lead: 15 }, ...more
    }
  }

  /** Calls of a path, oldest first. */
  of(path) {
    return this.calls.filter((c) => c.path === path)
  }

  last(path) {
    return this.of(path).at(-1)
  }

  /** The first frame of a match, as a record. */
  key(n = this.n, ack = 0, ...balls) {
    return record(key(n, ack, full(0, game(), ...balls), full(1, me())))
  }
}

/** Stops the clock of a test. `at` is what Math.random returns. */
export function stopClock(t, at = 0.5) {
  t.after(() => mock.timers.reset())
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1e6 })
  t.mock.method(performance, 'now', () => Date.now())
  t.mock.method(Math, 'random', () => at)
}

/** Lets everything run that waits for no clock. */
export async function settle() {
  for (let i = 0; i < 6; i++) await new Promise(setImmediate)
}

/** Moves the clock on, in steps small enough that what one timer starts is seen by the next. */
export async function pass(ms, step = 10) {
  await settle()
  for (let left = ms; left > 0; left -= step) {
    mock.timers.tick(Math.min(step, left))
    await settle()
  }
}
