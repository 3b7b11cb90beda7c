// A response's bytes → its records, however they were cut on the way.

/** Joins the pieces of a stream. What next returns is valid until the next push. */
export class Records {
  /** @type {Uint8Array} */
  #buf = new Uint8Array()
  #own = false // #buf is ours, not a chunk
  #at = 0
  #end = 0
  #max

  /** @param {number} max bytes of a record's body */
  constructor(max) {
    this.#max = max
  }

  /** Bytes of a record whose end is still to come. */
  get rest() {
    return this.#end - this.#at
  }

  /** @param {Uint8Array} chunk */
  push(chunk) {
    const rest = this.rest
    if (!rest) {
      this.#buf = chunk // the usual case: whole records, read where they are
      this.#own = false
      this.#at = 0
      this.#end = chunk.length
      return
    }
    if (!this.#own || this.#end + chunk.length > this.#buf.length) {
      // Twice what is needed, so that a large record in small pieces is not copied with each of them.
      const buf = new Uint8Array(2 * (rest + chunk.length))
      buf.set(this.#buf.subarray(this.#at, this.#end))
      this.#buf = buf
      this.#own = true
      this.#at = 0
      this.#end = rest
    }
    this.#buf.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** The body of the next record; null: its end is still to come. Throws what is no record. */
  next() {
    let size = 0
    for (let i = this.#at, m = 1; i < this.#end; i++, m *= 128) {
      const b = this.#buf[i]
      size += (b & 127) * m
      if (size > this.#max || (size === 0 && b < 128)) {
        throw new RangeError(`record of ${size} bytes, want 1 to ${this.#max}`)
      }
      if (b > 127) continue
      if (i + 1 + size > this.#end) return null
      this.#at = i + 1 + size
      return this.#buf.subarray(i + 1, this.#at)
    }
    return null
  }
}
