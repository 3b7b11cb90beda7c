// @ts-check
// What the built-in page says: the score line, and why a game is over.

/**
 * The score line of a game's fields.
 * @typedef {object} ScoreLine
 * @property {string} big the field score, or ''
 * @property {[name: string, value: string][]} items the others; the name is '' where the value speaks for itself
 */

/**
 * Returns what a score line shows of a game's fields: numbers, strings, truths and lists of them.
 * @param {Readonly<Record<string, unknown>>} fields
 * @returns {ScoreLine}
 */
export function scoreLine(fields) {
  /** @type {ScoreLine} */
  const line = { big: '', items: [] }
  for (const [name, value] of Object.entries(fields)) {
    const words = valueOf(value)
    if (words === undefined) continue
    if (name === 'score') line.big = words
    else line.items.push([typeof value === 'string' ? '' : name, words])
  }
  return line
}

/**
 * @param {unknown} value
 * @returns {string | undefined} undefined: not for a score line
 */
function valueOf(value) {
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000)
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (!Array.isArray(value) || value.length === 0) return undefined
  const parts = value.map((v) => (Array.isArray(v) ? undefined : valueOf(v)))
  return parts.includes(undefined) ? undefined : parts.join(' : ')
}

/** What to say at an end, and the word on the button that starts anew. @type {Record<string, [text: string, again: string]>} */
const ENDS = {
  closed: ['You left the game.', 'Play again'],
  superseded: ['You were moved to another tab.', 'Play here'],
  kicked: ['You were removed from the game.', ''],
  refused: ['The game did not let you in.', 'Try again'],
  full: ['The game is full.', 'Try again'],
  gone: ['You were away for too long.', 'Play again'],
  error: ['The server ended the match.', 'Play again'],
  shutdown: ['The server ended the match.', 'Play again'],
  starting: ['The server is not ready yet.', 'Try again'],
  network: ['The server cannot be reached.', 'Try again'],
  http: ['The server cannot be reached.', 'Try again'],
  rate: ['Too many players come from your network.', 'Try again'],
  proto: ['This page is out of date. Reload it.', ''],
  origin: ['The server does not take players from this address.', ''],
}

/** The ends of which the server, or the game, may say more. */
const EXPLAINED = ['kicked', 'refused', 'error']

/**
 * Returns what to tell a player whose game is closed, and the word on the button that starts anew.
 * @param {string} code of the bye or the error
 * @param {unknown} [more] the server's own words
 * @returns {readonly [text: string, again: string]} again is '' where that makes no sense
 */
export function endOf(code, more) {
  const [text, again] = Object.hasOwn(ENDS, code) ? ENDS[code] : ['The connection was lost.', 'Try again']
  if (typeof more !== 'string' || !more || !EXPLAINED.includes(code)) return [text, again]
  if (more.endsWith(`: ${code}`)) return [text, again] // the client's words for a bye without any
  const said = more[0].toUpperCase() + more.slice(1)
  return [code === 'refused' ? said : `${text}\n${said}`, again]
}
