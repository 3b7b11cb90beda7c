import assert from 'node:assert/strict'
import test from 'node:test'
import { attachInput } from '../input.js'

/** A page of fakes with input attached; `sent` is what the game was told. @param {import('node:test').TestContext} t */
function page(t) {
  /** @type {unknown[][]} */
  const sent = []
  /** @type {(change: {state: string}) => void} */
  let onState = () => {}
  const body = {}
  const canvas = Object.assign(new EventTarget(), {
    style: { touchAction: '', userSelect: '' }, tabIndex: -1, clientHeight: 480, captured: 0, focused: 0,
    hasAttribute: () => false,
    focus() { this.focused++ },
    setPointerCapture(/** @type {number} */ id) {
      if (id === 99) throw new Error('no such pointer')
      this.captured = id
    },
  })
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible', activeElement: body, body })
  const window = new EventTarget()
  const before = ['window', 'document'].map((k) => /** @type {const} */ ([k, Object.getOwnPropertyDescriptor(globalThis, k)]))
  for (const [k, value] of Object.entries({ window, document })) Object.defineProperty(globalThis, k, { value, configurable: true })
  t.after(() => {
    for (const [k, d] of before) d ? Object.defineProperty(globalThis, k, d) : Reflect.deleteProperty(globalThis, k)
  })
  const tell = (/** @type {string} */ what) => (/** @type {unknown[]} */ ...args) => void sent.push([what, ...args])
  /** @type {any} */
  const game = {
    state: 'connecting', press: tell('press'), release: tell('release'), pointer: tell('pointer'), wheel: tell('wheel'), blur: tell('blur'),
    on: (/** @type {string} */ _, /** @type {typeof onState} */ fn) => ((onState = fn), () => (onState = () => {})),
  }
  /** @type {any} */
  const drawing = { toWorld: (/** @type {number} */ x, /** @type {number} */ y) => [x / 2, y / 2] }
  const input = attachInput(game, /** @type {any} */ (canvas), drawing)
  /** Dispatches an event; returns it. @param {EventTarget} target @param {string} type @param {object} [init] */
  const fire = (target, type, init = {}) => {
    const event = Object.assign(new Event(type, { cancelable: true }), init)
    target.dispatchEvent(event)
    return event
  }
  return {
    sent, canvas, document, window, input, fire,
    key: (/** @type {string} */ type, /** @type {string} */ code, /** @type {any} */ { within, ...init } = {}) => {
      const event = Object.assign(new Event(type, { cancelable: true }), { code, keyCode: 0, ...init })
      if (within) event.composedPath = () => [{ closest: (/** @type {string} */ list) => list.includes(within) ? {} : null }, window]
      window.dispatchEvent(event)
      return event
    },
    mouse: (/** @type {string} */ type, /** @type {number} */ buttons, init = {}) =>
      fire(canvas, type, { buttons, isPrimary: true, pointerId: 1, clientX: 10, clientY: 20, ...init }),
    state: (/** @type {string} */ state) => onState({ state }),
    /** Returns what was sent since, without places. */
    taken: () => sent.splice(0).filter(([what]) => what !== 'pointer').map((s) => s.join(' ')),
  }
}

for (const [name, code, init, owned] of /** @type {[string, string, any, boolean][]} */ ([
  ['an arrow', 'ArrowUp', {}, true],
  ['a letter', 'KeyW', {}, true],
  ['a digit', 'Digit1', {}, true],
  ['a digit of the number pad', 'Numpad4', {}, true],
  ['space', 'Space', {}, true],
  ['enter', 'Enter', {}, true],
  ['shift', 'ShiftLeft', { shiftKey: true }, true],
  ['a letter with shift', 'KeyW', { shiftKey: true }, true],
  ['a sign', 'Slash', {}, true],
  ['space on the canvas', 'Space', { within: 'canvas' }, true],
  ['Tab', 'Tab', {}, false],
  ['Escape', 'Escape', {}, false],
  ['F5', 'F5', {}, false],
  ['Control itself', 'ControlLeft', { ctrlKey: true }, false],
  ['Alt itself', 'AltLeft', { altKey: true }, false],
  ['Meta itself', 'MetaLeft', { metaKey: true }, false],
  ['PageDown', 'PageDown', {}, false],
  ['no code', '', {}, false],
  ['Ctrl+W', 'KeyW', { ctrlKey: true }, false],
  ['Cmd+R', 'KeyR', { metaKey: true }, false],
  ['Alt+left', 'ArrowLeft', { altKey: true }, false],
  ['composing', 'KeyA', { isComposing: true }, false],
  ['composing, as older browsers say it', 'KeyA', { keyCode: 229 }, false],
  ['in an input', 'KeyA', { within: 'input' }, false],
  ['in a textarea', 'KeyA', { within: 'textarea' }, false],
  ['in contenteditable', 'KeyA', { within: 'contenteditable' }, false],
  ['on a button', 'Space', { within: 'button' }, false],
])) {
  test(`${owned ? 'the game gets' : 'the browser keeps'} ${name}`, (t) => {
    const p = page(t)
    assert.equal(p.key('keydown', code, init).defaultPrevented, owned)
    assert.deepEqual(p.taken(), owned ? [`press ${code}`] : [])
    p.key('keyup', code)
    assert.deepEqual(p.taken(), owned ? [`release ${code}`] : [])
  })
}

test('repeats are dropped, and do not scroll the page', (t) => {
  const p = page(t)
  p.key('keydown', 'Space')
  assert.equal(p.key('keydown', 'Space', { repeat: true }).defaultPrevented, true)
  p.key('keydown', 'Space')
  p.key('keyup', 'Space')
  p.key('keydown', 'Space', { repeat: true })
  assert.deepEqual(p.taken(), ['press Space', 'release Space'])
})

test('a key that somebody else has taken is not the game\'s', (t) => {
  const p = page(t)
  p.window.addEventListener('keydown', (event) => event.preventDefault(), { capture: true })
  p.key('keydown', 'Enter')
  assert.deepEqual(p.taken(), ['press Enter'], 'a listener that came later is too late')
  const q = page(t)
  const event = Object.assign(new Event('keydown', { cancelable: true }), { code: 'Enter', keyCode: 0 })
  Object.defineProperty(event, 'defaultPrevented', { value: true })
  q.window.dispatchEvent(event)
  assert.deepEqual(q.taken(), [])
})

test('a key is released wherever the focus has gone, and with whatever is held', (t) => {
  const p = page(t)
  p.key('keydown', 'KeyA')
  p.key('keyup', 'KeyA', { ctrlKey: true, within: 'input' })
  assert.deepEqual(p.taken(), ['press KeyA', 'release KeyA'])
})

test('Meta releases the keys that are held, not the pointer', (t) => {
  const p = page(t)
  p.key('keydown', 'KeyA')
  p.mouse('pointerdown', 1)
  p.taken()
  p.key('keydown', 'MetaLeft', { metaKey: true })
  assert.deepEqual(p.taken(), ['release KeyA'])
  p.key('keyup', 'KeyA')
  assert.deepEqual(p.taken(), [])
})

test('what is held ends with the focus, and is told once', (t) => {
  const p = page(t)
  p.key('keydown', 'KeyA')
  p.taken()
  p.fire(p.window, 'blur')
  p.document.visibilityState = 'hidden'
  p.fire(p.document, 'visibilitychange')
  assert.deepEqual(p.taken(), ['blur'])
  p.key('keyup', 'KeyA')
  p.document.visibilityState = 'visible'
  p.fire(p.document, 'visibilitychange')
  assert.deepEqual(p.taken(), [])
  p.key('keydown', 'KeyA')
  p.document.visibilityState = 'hidden'
  p.fire(p.document, 'visibilitychange')
  assert.deepEqual(p.taken(), ['press KeyA', 'blur'])
})

test('what is held is pressed again when the connection is back', (t) => {
  const p = page(t)
  p.key('keydown', 'KeyA')
  p.state('open')
  assert.deepEqual(p.taken(), ['press KeyA'])
  p.state('retrying')
  p.key('keydown', 'KeyB')
  p.taken()
  p.state('open')
  assert.deepEqual(p.taken(), ['press KeyA', 'press KeyB'])
  p.key('keyup', 'KeyA')
  assert.deepEqual(p.taken(), ['release KeyA'])
})

test('places are world units', (t) => {
  const p = page(t)
  p.mouse('pointermove', 0)
  assert.deepEqual(p.sent, [['pointer', 5, 10]])
})

for (const [name, buttons, want] of /** @type {[string, number, string][]} */ ([
  ['left', 1, 'Pointer0'], ['right', 2, 'Pointer2'], ['middle', 4, 'Pointer1'], ['back', 8, 'Pointer3'], ['forward', 16, 'Pointer4'],
])) {
  test(`the ${name} button is ${want}`, (t) => {
    const p = page(t)
    p.mouse('pointerdown', buttons)
    p.mouse('pointerup', 0)
    assert.deepEqual(p.taken(), [`press ${want}`, `release ${want}`])
    assert.equal(p.canvas.captured, 1)
  })
}

test('a place comes before the button', (t) => {
  const p = page(t)
  p.mouse('pointerdown', 1)
  assert.deepEqual(p.sent, [['pointer', 5, 10], ['press', 'Pointer0']])
})

test('a second button comes as a move', (t) => {
  const p = page(t)
  p.mouse('pointerdown', 1)
  p.mouse('pointermove', 3)
  p.mouse('pointermove', 2)
  p.mouse('pointerup', 0)
  assert.deepEqual(p.taken(), ['press Pointer0', 'press Pointer2', 'release Pointer0', 'release Pointer2'])
})

for (const type of ['pointercancel', 'lostpointercapture']) {
  test(`${type} lets go`, (t) => {
    const p = page(t)
    p.mouse('pointerdown', 1)
    p.mouse(type, 1)
    p.mouse('pointermove', 1)
    assert.deepEqual(p.taken(), ['press Pointer0', 'release Pointer0'])
  })
}

test('a pointer that went down elsewhere presses nothing', (t) => {
  const p = page(t)
  p.mouse('pointermove', 1)
  assert.deepEqual(p.taken(), [])
})

test('a second finger is not a pointer', (t) => {
  const p = page(t)
  p.mouse('pointerdown', 1, { isPrimary: false, pointerId: 2 })
  assert.deepEqual(p.sent, [])
})

test('a pointer that is gone cannot be captured, and presses all the same', (t) => {
  const p = page(t)
  p.mouse('pointerdown', 1, { pointerId: 99 })
  assert.deepEqual(p.taken(), ['press Pointer0'])
})

test('the canvas keeps menus, scrolling and going back to itself', (t) => {
  const p = page(t)
  for (const type of ['contextmenu', 'mousedown', 'mouseup', 'auxclick']) {
    assert.equal(p.fire(p.canvas, type).defaultPrevented, true, type)
  }
  assert.equal(p.canvas.style.touchAction, 'none')
  assert.equal(p.canvas.tabIndex, 0)
  assert.equal(p.canvas.focused, 1)
})

for (const [name, init, want] of /** @type {[string, any, any][]} */ ([
  ['pixels', { deltaMode: 0, deltaX: 1, deltaY: -20 }, ['wheel', 1, -20]],
  ['lines', { deltaMode: 1, deltaX: 0, deltaY: 3 }, ['wheel', 0, 48]],
  ['pages', { deltaMode: 2, deltaX: 0, deltaY: 1 }, ['wheel', 0, 480]],
  ['zooming', { deltaMode: 0, deltaX: 0, deltaY: 1, ctrlKey: true }, undefined],
])) {
  test(`the wheel in ${name}`, (t) => {
    const p = page(t)
    assert.equal(p.fire(p.canvas, 'wheel', init).defaultPrevented, want !== undefined)
    assert.deepEqual(p.sent[0], want)
  })
}

test('nothing is heard after close', (t) => {
  const p = page(t)
  p.key('keydown', 'KeyA')
  p.taken()
  p.input.close()
  p.key('keyup', 'KeyA')
  p.key('keydown', 'KeyB')
  p.mouse('pointerdown', 1)
  p.fire(p.window, 'blur')
  p.state('open')
  assert.deepEqual(p.sent, [])
  assert.equal(p.canvas.style.touchAction, '')
})
