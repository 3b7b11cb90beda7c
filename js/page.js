// @ts-check
// The built-in page: joins the game it was served by, and shows what is around the stage.

import { connect, HTTPMPError } from './httpmp.js'
import { viewOf } from './scene.js'
import { endOf, scoreLine } from './words.js'

/** @typedef {import('./httpmp.js').Game} Game */

const BANNER = 2500 // ms that a banner stands
const LINE = 9000 // ms that a line of the log stands
const LINES = 6 // lines of the log at a time

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} id
 * @returns {HTMLElementTagNameMap[K]}
 */
const find = (tag, id) => /** @type {HTMLElementTagNameMap[K]} */ (document.querySelector(`${tag}#${id}`))

const title = find('h1', 'title')
const status = find('p', 'status')
const ping = find('span', 'ping')
const score = find('div', 'score')
const frame = find('div', 'frame')
const canvas = find('canvas', 'stage')
const banner = find('p', 'banner')
const pill = find('p', 'pill')
const end = find('div', 'end')
const reason = find('p', 'reason')
const again = find('button', 'again')
const log = find('ol', 'log')
const chat = find('form', 'chat')
const line = find('input', 'line')

find('p', 'old').remove()

/** @type {Game | undefined} */
let game
/** the size of what the stage shows, in world units @type {readonly [number, number]} */
let view = viewOf(null, undefined)

/** Gives the canvas the largest size of the stage's proportions, in whole pixels that can be centred. */
function fit() {
  const main = /** @type {HTMLElement} */ (frame.parentElement)
  const { paddingLeft, paddingTop } = getComputedStyle(main)
  const w = main.clientWidth - 2 * parseFloat(paddingLeft)
  const h = main.clientHeight - parseFloat(paddingTop) - score.offsetHeight
  const scale = Math.max(Math.min(w / view[0], h / view[1]), 0)
  const wide = Math.floor(view[0] * scale)
  canvas.style.width = `${wide - ((main.clientWidth - wide) % 2)}px`
  canvas.style.height = `${Math.floor(view[1] * scale)}px`
}

/**
 * Shows a text in an element, and touches the page only when it is another one.
 * @param {HTMLElement} el
 * @param {string} text
 */
function write(el, text) {
  if (el.textContent !== text) el.textContent = text
  if (el === pill) el.hidden = text === ''
}

/**
 * @param {string} tag
 * @param {string} text
 */
function element(tag, text) {
  const el = document.createElement(tag)
  el.textContent = text
  return el
}

/** @param {Game['world']['game']} fields */
function showScore(fields) {
  const { big, items } = scoreLine(fields)
  const parts = items.map(([name, value]) => {
    const part = element('span', value)
    if (name) part.prepend(element('i', name))
    return part
  })
  // The score stands in the middle of the others.
  if (big) parts.splice(parts.length >> 1, 0, element('b', big))
  score.replaceChildren(...parts)
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let bannerTimer

/** @param {string} text */
function say(text) {
  banner.textContent = text
  banner.classList.add('shown')
  clearTimeout(bannerTimer)
  bannerTimer = setTimeout(() => banner.classList.remove('shown'), BANNER)
  addLine('', text)
}

/**
 * @param {string} from
 * @param {string} text
 */
function addLine(from, text) {
  const item = element('li', text)
  if (from) item.prepend(element('b', from))
  log.append(item)
  while (log.children.length > LINES) log.firstElementChild?.remove()
  setTimeout(() => item.classList.add('faded'), LINE)
}

/** Shows how it stands with the connection. */
function showState() {
  if (!end.hidden) return
  const state = game ? game.state : 'connecting'
  status.dataset.state = state
  write(pill, state === 'retrying' ? 'reconnecting…' : state === 'connecting' ? 'connecting…' : '')
  const latency = game?.latency
  if (game) status.title = game.mode === 'poll' ? 'by long poll' : 'by stream'
  write(ping, state === 'open' && typeof latency === 'number' ? `${Math.round(latency)} ms` : '')
}

/**
 * @param {string} code
 * @param {HTTPMPError | null} error
 */
function showEnd(code, error) {
  // What a page is told in its stream has no detail, only the words.
  const [text, word] = endOf(code, error?.detail.msg ?? (error?.status === 0 ? error.message : ''))
  write(pill, '')
  status.dataset.state = 'closed'
  write(ping, '')
  reason.textContent = text
  again.textContent = word
  again.hidden = word === ''
  end.hidden = false
  canvas.classList.add('over')
  if (word) again.focus({ preventScroll: true })
}

async function play() {
  end.hidden = true
  canvas.classList.remove('over')
  game = undefined
  showState()
  const query = new URLSearchParams(location.search)
  const mode = query.get('mode') === 'poll' ? 'poll' : 'auto'
  try {
    game = await connect({ canvas, name: query.get('name') ?? '', mode })
  } catch (err) {
    const error = err instanceof HTTPMPError ? err : null
    showEnd(error?.code ?? '', error)
    if (!error) throw err
    return
  }
  const { world } = game
  game.on('frame', (change) => {
    if (change.gameChanged || change.key) showScore(world.game)
    if (change.stageChanged || change.key) {
      title.textContent = world.stage?.title ?? ''
      document.title = world.stage?.title || 'httpmp'
      canvas.style.backgroundColor = world.stage?.color ?? '' // for the part of a pixel that the stage leaves
    }
    if (change.stageChanged || change.meChanged || change.key) {
      view = viewOf(world.stage, world.me)
      fit()
    }
  })
  game.on('state', showState)
  game.closed.then(({ reason, error }) => showEnd(reason, error))
  game.on('say', (text) => {
    if (typeof text === 'string' && text) say(text)
  })
  game.on('chat', (payload) => {
    if (typeof payload?.text === 'string') addLine(typeof payload.from === 'string' ? payload.from : '', payload.text)
  })
  showState()
}

/** @param {boolean} open */
function openChat(open) {
  chat.hidden = !open
  log.classList.toggle('all', open)
  if (open) {
    line.value = ''
    line.focus()
  } else {
    canvas.focus({ preventScroll: true })
  }
}

// Enter is the page's own: it opens the chat line, before the game sees the key.
window.addEventListener('keydown', (event) => {
  if (event.code !== 'Enter' || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return
  if (document.activeElement !== canvas && document.activeElement !== document.body) return
  if (game?.state !== 'open') return
  event.preventDefault()
  openChat(true)
}, { capture: true })
line.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') openChat(false)
})
line.addEventListener('blur', () => {
  if (!chat.hidden) openChat(false)
})
chat.addEventListener('submit', (event) => {
  event.preventDefault()
  const text = line.value.trim()
  if (text) game?.text(text)
  openChat(false)
})
again.addEventListener('click', () => {
  canvas.focus({ preventScroll: true })
  void play()
})

const observer = new ResizeObserver(fit)
observer.observe(/** @type {HTMLElement} */ (frame.parentElement))
observer.observe(score)
setInterval(showState, 1000)
void play()
