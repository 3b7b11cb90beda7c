// @ts-check
// Keyboard, mouse, pen, touch and wheel → buttons and places for the game.

/** @typedef {import('./httpmp.js').Game} Game */
/** @typedef {import('./draw.js').Drawing} Drawing */

/**
 * The keys that a game gets, by their place on the keyboard (KeyboardEvent.code). All others stay the
 * browser's: Tab and Escape, by which one leaves the canvas, F1 to F12, Control, Alt and Meta, and
 * whatever is pressed while one of those three is held.
 */
const OWNED =
  /^(Key[A-Z]|Digit\d|Numpad(\d|Add|Subtract|Multiply|Divide|Decimal|Enter)|Arrow(Up|Down|Left|Right)|Shift(Left|Right)|Space|Enter|Backspace|Minus|Equal|Bracket(Left|Right)|Backslash|Semicolon|Quote|Backquote|Comma|Period|Slash)$/

const ELSEWHERE = 'input, textarea, select, button, summary, a[href], [contenteditable]:not([contenteditable="false"])'

/** The button of each bit of PointerEvent.buttons: its second bit is the right button, number 2. */
const POINTER = ['Pointer0', 'Pointer2', 'Pointer1', 'Pointer3', 'Pointer4']

const LINE = 16 // CSS pixels of a wheel's line, where it counts in lines

/**
 * Reports whether a key that goes down is the game's. Its default action, such as scrolling, is then
 * prevented; a key that is not is left alone.
 * @param {KeyboardEvent} event
 */
export function ownsKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false
  if (event.isComposing || event.keyCode === 229) return false // an input method is at work
  if (!OWNED.test(event.code)) return false
  const target = /** @type {Element | undefined} */ (event.composedPath()[0])
  return !target?.closest?.(ELSEWHERE)
}

/**
 * Sends a game what is pressed and pointed at until it is closed. Keys count wherever the focus is in the
 * page, but in a field or on a button; pointers and the wheel count over the canvas.
 * @param {Game} game
 * @param {HTMLCanvasElement} canvas
 * @param {Drawing} drawing
 * @returns {{close: () => void}}
 */
export function attachInput(game, canvas, drawing) {
  const off = new AbortController()
  const { signal } = off
  /** buttons that are down by their names @type {Set<string>} */
  const down = new Set()
  let away = false // told so since the last press
  let grabbed = false // the pointer went down on the canvas: one that is dragged onto it presses nothing

  const press = (/** @type {string} */ button) => {
    if (down.has(button)) return
    away = false
    down.add(button)
    game.press(button)
  }
  const release = (/** @type {string} */ button) => {
    if (down.delete(button)) game.release(button)
  }
  const blur = () => {
    down.clear()
    grabbed = false
    if (away) return
    away = true
    game.blur()
  }

  window.addEventListener('keydown', (event) => {
    // macOS reports no key that goes up while Meta is held.
    if (event.metaKey) for (const button of down) if (!button.startsWith('Pointer')) release(button)
    if (!ownsKey(event)) return
    event.preventDefault()
    if (!event.repeat) press(event.code)
  }, { signal })
  window.addEventListener('keyup', (event) => release(event.code), { signal })
  window.addEventListener('blur', blur, { signal })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') blur()
  }, { signal })

  // The buttons are taken from every event's mask: with one held, a second one comes as a move.
  const point = (/** @type {PointerEvent} */ event) => {
    if (!event.isPrimary) return
    away = false
    game.pointer(...drawing.toWorld(event.clientX, event.clientY))
    grabbed &&= event.buttons > 0
    POINTER.forEach((button, bit) => (grabbed && event.buttons & (1 << bit) ? press(button) : release(button)))
  }
  const letGo = (/** @type {PointerEvent} */ event) => {
    if (!event.isPrimary) return
    grabbed = false
    POINTER.forEach(release)
  }
  canvas.addEventListener('pointerdown', (event) => {
    canvas.focus({ preventScroll: true })
    try {
      canvas.setPointerCapture(event.pointerId)
    } catch {
      // The pointer is already gone.
    }
    if (event.isPrimary) grabbed = true
    point(event)
  }, { signal })
  canvas.addEventListener('pointermove', point, { signal })
  canvas.addEventListener('pointerup', point, { signal })
  canvas.addEventListener('pointercancel', letGo, { signal })
  canvas.addEventListener('lostpointercapture', letGo, { signal })
  const prevent = (/** @type {Event} */ event) => event.preventDefault()
  canvas.addEventListener('contextmenu', prevent, { signal })
  // The middle button would scroll, the fourth and fifth go back and forward.
  for (const type of ['mousedown', 'mouseup', 'auxclick']) canvas.addEventListener(type, prevent, { signal })
  canvas.addEventListener('wheel', (event) => {
    if (event.ctrlKey) return // zooms the page
    event.preventDefault()
    const unit = event.deltaMode === 0 ? 1 : event.deltaMode === 1 ? LINE : canvas.clientHeight
    game.wheel(event.deltaX * unit, event.deltaY * unit)
  }, { passive: false, signal })

  // A server that has not heard the page for a while, or has it join anew, takes every button for up.
  let opened = game.state === 'open'
  const offState = game.on('state', ({ state }) => {
    if (state !== 'open') return
    if (opened) for (const button of down) game.press(button)
    opened = true
  })

  const { touchAction, userSelect } = canvas.style
  canvas.style.touchAction = 'none'
  canvas.style.userSelect = 'none'
  if (!canvas.hasAttribute('tabindex')) canvas.tabIndex = 0
  if (!document.activeElement || document.activeElement === document.body) canvas.focus({ preventScroll: true })

  return {
    close() {
      off.abort()
      offState()
      down.clear()
      canvas.style.touchAction = touchAction
      canvas.style.userSelect = userSelect
    },
  }
}
