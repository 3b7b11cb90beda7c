// The classes of a schema, and the rows of values that they give a shape.
import { BadFrame, number, str, take, u8, uv } from './reader.js'

const TYPES = ['pos', 'int', 'uint', 'u8', 'u16', 'f32', 'angle', 'bool', 'str', 'json']
const [POS, INT, UINT, U8, U16, F32, ANGLE, BOOL, STR] = TYPES.keys()

/**
 * @typedef {{name: string, type: number, mul: number, div: number}} Field  value = quanta · mul / div
 * @typedef {{name: string, companion: boolean, pos: boolean, masks: number, mul: number, div: number, fields: Field[]}} Class
 * @typedef {import('./httpmp.js').Schema} Schema
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
export function compile(schema) {
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

/** What a slot holds: the values on the wire of a sprite, a companion, the game or me. */
export class Row {
  /** @param {Class} cls @param {number} id @param {number} kind */
  constructor(cls, id, kind) {
    this.pos = cls.pos // what every move reads comes first, to lie in one line of the cache
    this.x = 0 // quanta
    this.y = 0
    this.nextX = 0
    this.nextY = 0
    this.cls = cls
    /** @type {import('./decode.js').Sprite} */
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

/** The two numbers, in quanta, of the pos or int that value read last. */
export const q = { a: 0, b: 0 }

/**
 * Reads one value, leaving its quanta in q.
 * @param {Row} row @param {number} i its field @param {boolean} delta pos and int are differences
 */
export function value(row, i, delta) {
  const f = row.cls.fields[i]
  switch (f.type) {
    case POS:
      q.a = number(delta ? (i === 0 && row.pos ? row.x : row.quanta[2 * i]) : 0)
      q.b = number(delta ? (i === 0 && row.pos ? row.y : row.quanta[2 * i + 1]) : 0)
      return i === 0 && row.pos ? null : [(q.a * f.mul) / f.div, (q.b * f.mul) / f.div]
    case INT:
      q.a = number(delta ? row.quanta[2 * i] : 0)
      return (q.a * f.mul) / f.div
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
