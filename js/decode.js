// Binary frames (docs/protocol.md, binary mode) → the world that this client sees.
//
// Applying is atomic: while a frame is read, changed values wait beside the rows and changed slots
// are logged; only a frame that was read to its end is committed. So nothing is copied per move.

/** A frame that cannot be applied. The world is as it was: reopen with b=0. */
export class BadFrame extends Error {
  name = 'BadFrame'
}

const TYPES = ['pos', 'int', 'uint', 'u8', 'u16', 'f32', 'angle', 'bool', 'str', 'json']
const [POS, INT, UINT, U8, U16, F32, ANGLE, BOOL, STR] = TYPES.keys()
const [DELTA, , FULL, DROP] = [0, 1, 2, 3]
const [SPRITE, COMPANION, GAME, ME, NOTHING] = [0, 1, 2, 3, 4]
const MAX_SLOT = 65535
const MAX_STR = 65535
const MAX_ID = 2 ** 32 - 1
const FARTHEST = 2 ** 52 // quanta: what a signed number on the wire can hold, less one upwards

const text = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })

// The reader: bytes, position, end. Frames are applied one after the other, never within each other.
const NO_BYTES = new Uint8Array()
/** @type {Uint8Array} */
let P = NO_BYTES
let I = 0
let E = 0
// The two numbers, in quanta, of the pos or int that value() read last.
let A = 0
let B = 0

/** @param {string} why @returns {never} */
function bad(why) {
  throw new BadFrame(`${why} at byte ${I}`)
}

function u8() {
  if (I >= E) bad('unexpected end')
  return P[I++]
}

// Sums with multiplication: shifts end at 32 bits, numbers on the wire at 53.
function uv() {
  let v = 0
  for (let m = 1, n = 0; ; m *= 128, n++) {
    const b = u8()
    if (n === 7 && b > 15) bad('number above 2^53-1')
    v += (b & 127) * m
    if (b < 128) return b || !n ? v : bad('number not in its shortest form')
  }
}

function sv() {
  const v = uv()
  return v % 2 ? -(v + 1) / 2 : v / 2
}

/** @param {number} old what it is the difference to */
function number(old) {
  const v = sv() + old
  return v < -FARTHEST || v >= FARTHEST ? bad('number out of range') : v
}

/** @param {number} len */
function take(len) {
  if (len > E - I) bad('unexpected end')
  return P.subarray(I, (I += len))
}

function str() {
  const len = uv()
  return len > MAX_STR ? bad('string too long') : text.decode(take(len))
}

/**
 * @typedef {{name: string, type: number, mul: number, div: number}} Field  value = quanta · mul / div
 * @typedef {{name: string, companion: boolean, pos: boolean, masks: number, mul: number, div: number, fields: Field[]}} Class
 * @typedef {import('./httpmp.js').Schema} Schema
 * @typedef {import('./httpmp.js').Change} Change
 */

/**
 * The factors of a quantum: whole numbers where it has at most 9 decimal places, so that 3 quanta of
 * 0.1 are 0.3 and not 0.30000000000000004. Those such as 0.5 are exact without, and without dividing.
 * @param {number} quantum
 */
function factors(quantum) {
  if (Number.isInteger(quantum * 1024)) return { mul: quantum, div: 1 }
  for (let div = 1; div <= 1e9; div *= 10) {
    const mul = Math.round(quantum * div)
    if (mul > 0 && Math.abs(quantum * div - mul) < 1e-9) return { mul, div }
  }
  return { mul: quantum, div: 1 }
}

/** @param {Schema} schema @returns {Class[]} */
function compile(schema) {
  return schema.classes.map(({ name, fields }) => ({
    name,
    companion: name.endsWith('+') && fields[0]?.[1] === 'uint',
    pos: fields.length > 0 && fields[0][0] === 'pos' && fields[0][1] === 'pos',
    masks: 2 ** fields.length,
    ...factors(fields[0]?.[2] ?? 1),
    fields: fields.map(([field, type, quantum = 1]) => {
      const t = TYPES.indexOf(type)
      if (t < 0) throw new BadFrame(`field ${name}.${field} has unknown type ${type}`)
      return { name: field, type: t, ...factors(quantum) }
    })
  }))
}

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

/** What a slot holds: the values on the wire of a sprite, a companion, the game or me. */
class Row {
  /** @param {Class} cls @param {number} id @param {number} kind */
  constructor(cls, id, kind) {
    this.pos = cls.pos // what every move reads comes first, to lie in one line of the cache
    this.x = 0 // quanta
    this.y = 0
    this.nextX = 0
    this.nextY = 0
    this.cls = cls
    /** @type {Sprite} */
    this.sprite = /** @type {any} */ (null)
    this.id = id
    this.kind = kind
    this.mark = 0 // the frame that updated it
    this.gone = 0 // the frame that removed it, also if that then failed
    /** @type {unknown[]} values in world units, by field */
    this.values = []
    /** @type {number[]} quanta of pos and int, two a field */
    this.quanta = []
  }
}

/**
 * Reads one value, leaving its quanta in A and B.
 * @param {Row} row @param {number} i its field @param {boolean} delta pos and int are differences
 */
function value(row, i, delta) {
  const f = row.cls.fields[i]
  switch (f.type) {
    case POS:
      A = number(delta ? (i === 0 && row.pos ? row.x : row.quanta[2 * i]) : 0)
      B = number(delta ? (i === 0 && row.pos ? row.y : row.quanta[2 * i + 1]) : 0)
      return i === 0 && row.pos ? null : [(A * f.mul) / f.div, (B * f.mul) / f.div]
    case INT:
      A = number(delta ? row.quanta[2 * i] : 0)
      return (A * f.mul) / f.div
    case UINT:
      return uv()
    case U8:
      return u8()
    case U16:
      return u8() + u8() * 256
    case F32: {
      const p = take(4)
      return new DataView(p.buffer, p.byteOffset).getFloat32(0, true)
    }
    case ANGLE:
      return (u8() * Math.PI) / 128
    case BOOL:
      return u8() !== 0
    case STR:
      return str()
    default:
      return JSON.parse(str())
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
      P = NO_BYTES
    }
    this.#commit()
    return c
  }

  /** @param {Uint8Array} body */
  #read(body) {
    P = body
    I = 0
    const end = (E = body.length)
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
    c.evgap = (flags & 8) > 0
    if (key) {
      for (const rows of this.#layers.values()) this.#forget(rows)
      this.#layers = new Map()
    } else if (c.n < this.frame) bad(`frame ${c.n} after ${this.frame}`)

    let last = -1
    while (I < end) {
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
      if (len > end - I) bad('unexpected end')
      E = I + len
      this.#block(rows, mode, number)
      E = end
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
    const p = P
    const end = E
    const moved = this.#moved
    let moves = this.#moves
    let cursor = -1
    let i = I
    while (i < end) {
      const op = p[i]
      if (op >= 0xc0) {
        I = i + 1
        this.#moves = moves
        cursor = this.#op(rows, op, cursor, mode, layer)
        moves = this.#moves
        i = I
        continue
      }
      const short = op < 0x80
      const at = i
      i += short ? 2 : 3
      cursor += 1 + (short ? op >> 4 : (op >> 2) & 15)
      const row = rows[cursor]
      if (mode !== DELTA || i > end || row === undefined || !row.pos) {
        I = at
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
      if (row.nextX < -FARTHEST || row.nextX >= FARTHEST || row.nextY < -FARTHEST || row.nextY >= FARTHEST) bad('move too far')
      moved[moves++] = row
    }
    I = i
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
      if (id > MAX_ID) bad(`id ${id}`)
      const row = new Row(cls, id, id > 0 ? SPRITE : cls.companion ? COMPANION : slot > 0 ? NOTHING : c === 0 && layer === 0 ? GAME : c === 1 && layer === 1 ? ME : NOTHING)
      for (let i = 0; i < cls.fields.length; i++) {
        row.values[i] = value(row, i, false)
        row.quanta[2 * i] = A
        row.quanta[2 * i + 1] = B
        if (i === 0 && row.pos) {
          row.x = row.nextX = A
          row.y = row.nextY = B
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
      row.nextX = A
      row.nextY = B
      this.#moved[this.#moves++] = row
    } else {
      const s = (this.#staged[this.#stages++] ??= { row, field: 0, value: null, a: 0, b: 0 })
      s.row = row
      s.field = i
      s.value = v
      s.a = A
      s.b = B
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
    for (let i = 0; i < snapped; i++) {
      const row = moved[i]
      const s = row.sprite
      const { mul, div } = row.cls
      const x = (row.x = row.nextX) * mul
      const y = (row.y = row.nextY) * mul
      s.x = div === 1 ? x : x / div
      s.y = div === 1 ? y : y / div
      out[i] = s
    }
    out.length = snapped
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
    const owner = this.#live.get(id)
    if (!owner) return
    for (const f of row.cls.fields.slice(1)) delete owner.sprite.fields[f.name]
    this.#touch(owner)
  }

  /** @param {Row} row */
  #touch(row) {
    if (row.mark === this.#serial) return
    row.mark = this.#serial
    this.#change.updated[this.#updates++] = row.sprite
  }
}
