// Binary frames (docs/protocol.md, binary mode) → the world that this client sees.
//
// Applying is atomic: while a frame is read, changed values wait beside the rows and changed slots
// are logged; only a frame that was read to its end is committed. So nothing is copied per move.

import { BadFrame, bad, fits, open, r, str, sv, take, u8, uv } from './reader.js'
import { Row, compile, q, value } from './rows.js'

export { BadFrame }

/**
 * @typedef {import('./rows.js').Class} Class
 * @typedef {import('./httpmp.js').Schema} Schema
 * @typedef {import('./httpmp.js').Change} Change
 */

const [DELTA, , FULL, DROP] = [0, 1, 2, 3]
const [SPRITE, COMPANION, GAME, ME, NOTHING] = [0, 1, 2, 3, 4]
const MAX_SLOT = 65535
const MAX_ID = 2 ** 32 - 1

// Objects with names from the wire: `__proto__` and `constructor` are names like any other. Made by a
// constructor, because engines keep what Object.create(null) returns in a slow form.
/** @constructor */
function Fields() {}
Fields.prototype = Object.create(null)

/** @type {new () => Record<string, unknown>} */
const NewFields = /** @type {any} */ (Fields)

/** One thing in the world. It stays the same object while its id lives, also when it changes layer. */
export class Sprite {
  /** @param {number} id @param {Class} cls */
  constructor(id, cls) {
    this.id = id
    this.class = cls.name
    if (cls.pos) {
      this.x = 0.5 // not whole: the engine then keeps these as plain doubles
      this.y = 0.5
    }
    this.fields = new NewFields()
    /** @type {import('./httpmp.js').Look | null} */
    this.look = null
  }
}

// What me is where the wire does not say.
const NOBODY = Object.assign(Object.create(null), { own: [], camera: null, view: null })

/**
 * @typedef {(Row | undefined)[]} Layer  rows by slot
 */

/** What this client sees. */
export class World {
  frame = 0
  epoch = 0
  ack = 0
  /** @type {Map<number, Sprite>} */
  sprites = new Map()
  /** @type {import('./httpmp.js').Stage | null} */
  stage = null
  /** @type {Record<string, unknown>} */
  game = Object.create(null)
  /** @type {import('./httpmp.js').Me} */
  me = Object.create(NOBODY)

  /** @type {Class[]} */
  #classes = []
  /** @type {Map<number, Layer>} */
  #layers = new Map()
  /** @type {Map<number, Row>} rows of sprites by id */
  #live = new Map()
  /** @type {Map<unknown, Row>} companions by the id of their sprite */
  #companions = new Map()
  #needKey = false
  #fresh = false
  #serial = 0

  // One frame's work, emptied with each.
  /** @type {Row[]} */ #moved = []
  #moves = 0
  /** @type {{row: Row, field: number, value: unknown, a: number, b: number}[]} values to come, used again */ #staged = []
  #stages = 0
  #updates = 0
  /** @type {any[]} layer, slot and what was there */ #log = []
  /** @type {Row[]} */ #gone = []
  /** @type {Row[]} */ #new = []
  /** @type {[string, any][]} */ #private = []
  /** @type {{-readonly [K in keyof Change]: Change[K] extends readonly (infer T)[] ? T[] : Change[K]}} */
  #change = {
    n: 0, key: false, ack: 0, slack: 0, evgap: false, added: [], removed: [], moved: [], updated: [],
    events: [], gameChanged: false, stageChanged: false, meChanged: false
  }

  /** @param {Schema} schema */
  constructor(schema) {
    this.schema = schema
    this.#classes = compile(schema)
  }

  /**
   * Goes over to another run of the match. What is shown stays until its first frame, which must be a
   * key frame; none of the objects lives on in it.
   * @param {number} epoch @param {Schema} [schema] where it changed
   */
  reset(epoch, schema) {
    if (schema) {
      this.#classes = compile(schema)
      this.schema = schema
    }
    this.epoch = epoch
    this.frame = 0
    this.ack = 0
    this.#fresh = true
    this.expectKey()
  }

  /** The next frame must be a key frame, or it is a BadFrame. */
  expectKey() {
    this.#needKey = true
  }

  /**
   * Applies the body of one frame record. What it returns is valid until the next call.
   * @param {Uint8Array} body
   * @returns {Change}
   */
  apply(body) {
    const layers = this.#layers
    const log = this.#log
    const c = this.#change
    this.#serial++
    log.length = this.#gone.length = this.#new.length = this.#private.length = 0
    c.added.length = c.removed.length = c.events.length = this.#moves = this.#stages = this.#updates = 0
    try {
      this.#read(body)
    } catch (err) {
      this.#layers = layers
      for (let i = log.length; i > 0; i -= 3) log[i - 3][log[i - 2]] = log[i - 1]
      c.events.length = 0
      throw err instanceof BadFrame ? err : new BadFrame(String(err), { cause: err })
    } finally {
      open()
    }
    this.#commit()
    return c
  }

  /** @param {Uint8Array} body */
  #read(body) {
    open(body)
    const { end } = r
    const flags = u8()
    if (flags > 15) bad('not a frame, or one with unknown flags')
    const key = (flags & 1) > 0
    const absolute = (flags & 5) > 0
    if (this.#needKey && !key) bad('want a key frame')
    const c = this.#change
    if (absolute) c.n = uv()
    else c.n = this.frame + 1 + ((u8() - ((this.frame + 1) % 256) + 256) % 256)
    c.key = key
    c.ack = this.ack
    c.slack = 0
    if (flags & 2) {
      c.ack = absolute ? uv() : c.ack + uv()
      c.slack = sv()
    }
    if (Math.max(c.n, c.ack) > Number.MAX_SAFE_INTEGER) bad('number above 2^53-1')
    c.evgap = (flags & 8) > 0
    if (key) {
      for (const rows of this.#layers.values()) this.#forget(rows)
      this.#layers = new Map()
    } else if (c.n < this.frame) bad(`frame ${c.n} after ${this.frame}`)

    let last = -1
    while (r.i < end) {
      const head = uv()
      const mode = head % 8
      const number = (head - mode) / 8
      if (mode > DROP || number <= last || (key && mode !== FULL)) bad(`block ${number} of mode ${mode}`)
      last = number
      let rows = this.#layers.get(number)
      if (mode >= FULL && !key) {
        if (rows) this.#forget(rows)
        rows = undefined
        this.#layers = new Map(this.#layers)
        this.#layers.delete(number)
      }
      if (mode === DROP) continue
      if (mode === FULL) this.#layers.set(number, (rows = []))
      if (!rows) bad(`layer ${number} is not here`)
      const len = uv()
      if (len > end - r.i) bad('unexpected end')
      r.end = r.i + len
      this.#block(rows, mode, number)
      r.end = end
    }
    if (this.#new.length) this.#check()
  }

  /** @param {Layer} rows */
  #forget(rows) {
    for (const row of rows) if (row) this.#remove(row)
  }

  /** @param {Row} row */
  #remove(row) {
    row.gone = this.#serial
    this.#gone.push(row)
  }

  // An id is in one slot only, when all blocks are read.
  #check() {
    const ids = new Set()
    for (const { id, kind, gone } of this.#new) {
      if (kind !== SPRITE || gone === this.#serial) continue
      const before = this.#live.get(id)
      if (ids.has(id) || (before && before.gone !== this.#serial)) bad(`sprite ${id} is in two slots`)
      ids.add(id)
    }
  }

  /**
   * The ops of one block. Moves are handled here, all else by #op.
   * @param {Layer} rows @param {number} mode @param {number} layer
   */
  #block(rows, mode, layer) {
    const p = r.p
    const end = r.end
    const moved = this.#moved
    let moves = this.#moves
    let cursor = -1
    let i = r.i
    while (i < end) {
      const op = p[i]
      if (op >= 0xc0) {
        r.i = i + 1
        this.#moves = moves
        cursor = this.#op(rows, op, cursor, mode, layer)
        moves = this.#moves
        i = r.i
        continue
      }
      const short = op < 0x80
      const at = i
      i += short ? 2 : 3
      cursor += 1 + (short ? op >> 4 : (op >> 2) & 15)
      const row = rows[cursor]
      if (mode !== DELTA || i > end || row === undefined || !row.pos) {
        r.i = at
        return bad('move that cannot be')
      }
      const b = p[at + 1]
      if (short) {
        row.nextX = row.x + (((op & 15) << 2) | (b >> 6)) - 32
        row.nextY = row.y + (b & 63) - 32
      } else {
        row.nextX = row.x + (((op & 3) << 7) | (b >> 1)) - 256
        row.nextY = row.y + (((b & 1) << 8) | p[at + 2]) - 256
      }
      if (!fits(row.nextX) || !fits(row.nextY)) bad('move too far')
      moved[moves++] = row
    }
    r.i = i
    this.#moves = moves
  }

  /**
   * One op that is not a move; returns the cursor.
   * @param {Layer} rows @param {number} op @param {number} cursor @param {number} mode @param {number} layer
   */
  #op(rows, op, cursor, mode, layer) {
    if (op < 0xe0) {
      cursor += op === 0xdf ? 32 + uv() : (op & 31) + 1
      const row = rows[cursor]
      if (!row) return bad(`slot ${cursor} is free`)
      const mask = uv()
      if (mask >= row.cls.masks) bad('unknown field')
      for (let bits = mask | 0; bits; bits &= bits - 1) {
        const i = 31 - Math.clz32(bits & -bits)
        this.#stage(row, i, value(row, i, mode === DELTA))
      }
    } else if (op < 0xf0) {
      const c = op === 0xef ? uv() : op & 15
      const slot = uv()
      const cls = this.#classes[c]
      if (!cls || slot > MAX_SLOT || rows[slot]) bad(`cannot add class ${c} in slot ${slot}`)
      const id = uv()
      if (id > MAX_ID || (id > 0 && c < 2)) bad(`id ${id} for class ${c}`)
      const row = new Row(cls, id, id > 0 ? SPRITE : cls.companion ? COMPANION : slot > 0 ? NOTHING : c === 0 && layer === 0 ? GAME : c === 1 && layer === 1 ? ME : NOTHING)
      for (let i = 0; i < cls.fields.length; i++) {
        row.values[i] = value(row, i, false)
        row.quanta[2 * i] = q.a
        row.quanta[2 * i + 1] = q.b
        if (i === 0 && row.pos) {
          row.x = row.nextX = q.a
          row.y = row.nextY = q.b
        }
      }
      this.#log.push(rows, slot, undefined)
      rows[slot] = row
      this.#new.push(row)
    } else if (op === 0xf0) {
      const slot = uv()
      const row = rows[slot]
      if (!row) return bad(`slot ${slot} is free`)
      this.#log.push(rows, slot, row)
      rows[slot] = undefined
      this.#remove(row)
    } else if (op === 0xf1) {
      const events = layer === 1 ? this.#private : this.#change.events
      events.push([str(), JSON.parse(str())])
    } else {
      take(uv())
    }
    return cursor
  }

  /** @param {Row} row @param {number} i @param {unknown} v */
  #stage(row, i, v) {
    if (i === 0 && row.pos) {
      row.nextX = q.a
      row.nextY = q.b
      this.#moved[this.#moves++] = row
    } else {
      const s = (this.#staged[this.#stages++] ??= { row, field: 0, value: null, a: 0, b: 0 })
      s.row = row
      s.field = i
      s.value = v
      s.a = q.a
      s.b = q.b
    }
  }

  #commit() {
    const c = this.#change
    this.frame = c.n
    this.ack = c.ack
    c.gameChanged = c.stageChanged = c.meChanged = false
    if (this.#fresh) {
      for (const s of this.sprites.values()) c.removed.push(s)
      this.sprites.clear()
      this.#live.clear()
    }
    this.#fresh = this.#needKey = false

    for (const row of this.#gone) {
      const { kind } = row
      if (kind === SPRITE && this.#live.get(row.id) === row) this.#live.delete(row.id)
      else if (kind === COMPANION) this.#unlink(row)
      else if (kind === GAME) {
        for (const name in this.game) delete this.game[name]
        this.stage = null
        c.gameChanged = c.stageChanged = true
      } else if (kind === ME) {
        for (const name of Object.keys(this.me)) delete (/** @type {any} */ (this.me)[name])
        c.meChanged = true
      }
    }
    let snapped = this.#moves
    for (const row of this.#new) {
      if (row.gone === this.#serial) continue
      if (row.kind === SPRITE) {
        if (this.#place(row)) this.#moved[snapped++] = row
      } else if (row.kind === COMPANION) this.#link(row)
      else if (row.kind !== SPRITE && row.kind !== NOTHING) row.cls.fields.forEach((_, i) => this.#set(row, i, row.values[i]))
    }
    for (const { id, sprite } of this.#gone) {
      if (sprite && !this.#live.has(id) && this.sprites.get(id) === sprite) {
        this.sprites.delete(id)
        c.removed.push(sprite)
      }
    }
    for (let i = 0; i < this.#stages; i++) {
      const { row, field, value, a, b } = this.#staged[i]
      if (row.gone === this.#serial) continue
      const owner = row.kind === COMPANION && field === 0
      row.quanta[2 * field] = a
      row.quanta[2 * field + 1] = b
      if (owner) this.#unlink(row)
      row.values[field] = value
      if (owner) this.#link(row)
      else this.#set(row, field, value)
    }
    const moved = this.#moved
    const out = c.moved
    const removals = this.#gone.length > 0
    let count = 0
    for (let i = 0; i < snapped; i++) {
      const row = moved[i]
      const s = row.sprite
      const { mul, div } = row.cls
      const x = (row.x = row.nextX) * mul
      const y = (row.y = row.nextY) * mul
      if (!s || (removals && row.gone === this.#serial)) continue // no sprite, or not any more
      s.x = div === 1 ? x : x / div
      s.y = div === 1 ? y : y / div
      out[count++] = s
    }
    out.length = count
    c.updated.length = this.#updates
    for (const ev of this.#private) c.events.push(ev)
  }

  /**
   * Gives a new row its sprite; reports whether that is an old one with a new position.
   * @param {Row} row
   */
  #place(row) {
    const old = this.sprites.get(row.id)
    const { cls, id } = row
    const { mul, div } = cls
    const x = (row.x * mul) / div
    const y = (row.y * mul) / div
    let moved = false
    if (old && old.class === cls.name) {
      row.sprite = old
      moved = row.pos && (old.x !== x || old.y !== y)
      this.#touch(row)
    } else {
      if (old) this.#change.removed.push(old)
      row.sprite = new Sprite(id, cls)
      this.sprites.set(id, row.sprite)
      this.#change.added.push(row.sprite)
      row.mark = this.#serial // added, so not also updated
      if (row.pos) {
        row.sprite.x = x
        row.sprite.y = y
      }
    }
    this.#live.set(id, row)
    for (let i = row.pos ? 1 : 0; i < cls.fields.length; i++) this.#set(row, i, row.values[i])
    const companion = this.#companions.get(id)
    if (companion) this.#link(companion)
    return moved
  }

  /** Shows one value of a row. @param {Row} row @param {number} i @param {any} v */
  #set(row, i, v) {
    const { name } = row.cls.fields[i]
    const c = this.#change
    switch (row.kind) {
      case SPRITE:
        row.sprite.fields[name] = v
        if (name === 'look') row.sprite.look = v
        this.#touch(row)
        break
      case COMPANION: {
        const owner = this.#live.get(/** @type {number} */ (row.values[0]))
        if (!owner || i === 0) break
        owner.sprite.fields[name] = v
        this.#touch(owner)
        break
      }
      case GAME:
        if (i > 0) {
          this.game[name] = v
          c.gameChanged = true
        } else {
          this.stage = v
          c.stageChanged = true
        }
        break
      case ME:
        /** @type {any} */ (this.me)[name] = v
        c.meChanged = true
    }
  }

  /** Adds the values of a companion to its sprite's, if that is here. @param {Row} row */
  #link(row) {
    this.#companions.set(row.values[0], row)
    for (let i = 1; i < row.values.length; i++) this.#set(row, i, row.values[i])
  }

  /** @param {Row} row */
  #unlink(row) {
    const id = /** @type {number} */ (row.values[0])
    if (this.#companions.get(id) !== row) return
    this.#companions.delete(id)
    // Also of a sprite whose row went in this frame: another row may take it over.
    const fields = this.sprites.get(id)?.fields ?? {}
    for (const f of row.cls.fields.slice(1)) delete fields[f.name]
    const owner = this.#live.get(id)
    if (owner) this.#touch(owner)
  }

  /** @param {Row} row */
  #touch(row) {
    if (row.mark === this.#serial) return
    row.mark = this.#serial
    this.#change.updated[this.#updates++] = row.sprite
  }
}
