import assert from 'node:assert/strict'
import test from 'node:test'
import { attachDrawing } from '../draw.js'
import { Scene } from '../scene.js'

/**
 * A 2d context that writes down what is painted: fills, strokes and texts, with the transform, the style
 * and the path of that moment.
 */
function recorder() {
  /** @type {any[]} */
  const calls = []
  /** @type {any[]} */
  let path = []
  /** @type {number[]} */
  let transform = [1, 0, 0, 1, 0, 0]
  const round = (/** @type {number[]} */ v) => v.map((n) => Math.round(n * 100) / 100 + 0)
  /** @type {any} */
  const ctx = {
    calls,
    setTransform: (/** @type {number[]} */ ...t) => (transform = round(t)),
    beginPath: () => (path = []),
    fillRect: (/** @type {number[]} */ ...box) => calls.push({ op: 'ground', box, style: ctx.fillStyle }),
    fill: () => calls.push({ op: 'fill', path, transform, style: ctx.fillStyle }),
    stroke: () => calls.push({ op: 'stroke', path, transform, style: ctx.strokeStyle, width: ctx.lineWidth }),
    fillText: (/** @type {string} */ text, /** @type {number} */ x, /** @type {number} */ y) =>
      calls.push({ op: 'text', text, at: round([x, y]), transform, style: ctx.fillStyle, font: ctx.font }),
  }
  for (const name of ['clearRect', 'save', 'restore', 'clip', 'strokeText']) ctx[name] = () => {}
  for (const name of ['rect', 'arc', 'lineTo', 'moveTo', 'closePath']) {
    ctx[name] = (/** @type {number[]} */ ...args) => path.push([name, ...args])
  }
  return ctx
}

const noChange = {
  n: 1, key: false, ack: 0, slack: 0, evgap: false, added: [], removed: [], moved: [], updated: [], events: [],
  gameChanged: false, stageChanged: false, meChanged: false,
}

/** @param {any[]} sprites [id, class, x, y, look, other fields] @param {object} [more] @returns {any} */
function worldOf(sprites, more = {}) {
  const made = sprites.map(([id, cls, x, y, look, fields]) => ({
    id, class: cls, x, y, look: look ?? null, fields: { ...(look === undefined ? {} : { look }), ...fields },
  }))
  return {
    epoch: 1, frame: 1, sprites: new Map(made.map((s) => [s.id, s])), game: {},
    stage: { w: 640, h: 480, color: 'navy' }, me: { own: [], camera: null, view: null }, ...more,
  }
}

/** Paints a world as it is after its key frame. @param {any} world @param {[number, number]} [size] */
function painted(world, [w, h] = [640, 480]) {
  const scene = new Scene(30)
  scene.apply(world, { ...noChange, key: true }, 1000)
  const ctx = recorder()
  scene.paint(ctx, 1000, w, h)
  return { calls: ctx.calls, scene }
}

test('a rect is centred on its sprite', () => {
  const { calls } = painted(worldOf([[1, 'paddle', 20, 240, { rect: [10, 80], fill: 'white' }]]))
  assert.deepEqual(calls, [
    { op: 'ground', box: [0, 0, 640, 480], style: 'navy' },
    { op: 'fill', path: [['rect', -5, -40, 10, 80]], transform: [1, 0, 0, 1, 20, 240], style: 'white' },
  ])
})

for (const [name, look, want] of /** @type {[string, any, any][]} */ ([
  ['circle', { circle: 6, fill: 'red' }, { op: 'fill', path: [['arc', 0, 0, 6, 0, 2 * Math.PI]], style: 'red' }],
  ['poly', { poly: [0, -5, 5, 5, -5, 5], fill: 'red' }, { op: 'fill', path: [['lineTo', 0, -5], ['lineTo', 5, 5], ['lineTo', -5, 5], ['closePath']], style: 'red' }],
  ['line', { line: [0, 0, 9, 9], stroke: 'red', width: 3 }, { op: 'stroke', path: [['moveTo', 0, 0], ['lineTo', 9, 9]], style: 'red', width: 3 }],
  ['outline alone', { rect: [2, 2], stroke: 'red', width: 3 }, { op: 'stroke', path: [['rect', -1, -1, 2, 2]], style: 'red', width: 3 }],
  ['no colour', { rect: [2, 2] }, { op: 'fill', path: [['rect', -1, -1, 2, 2]], style: '#888' }],
  ['text', { text: 'hi', size: 20, fill: 'red' }, { op: 'text', text: 'hi', at: [0, 0], style: 'red' }],
  ['emoji', { emoji: '⭐', size: 20 }, { op: 'text', text: '⭐', at: [0, 0], style: 'white' }],
])) {
  test(`look: ${name}`, () => {
    const { transform, font, ...call } = painted(worldOf([[1, 'a', 5, 5, look]])).calls[1]
    assert.deepEqual(transform, [1, 0, 0, 1, 5, 5])
    assert.deepEqual(call, want)
    if (font) assert.match(font, /^20px /)
  })
}

for (const [name, look] of /** @type {[string, any][]} */ ([
  ['the zero look', null], ['an unknown shape', { blob: 3 }], ['an image, which is not there yet', { image: 'a.png', w: 1, h: 1 }],
  ['a sheet', { sheet: 'a.png', w: 1, h: 1, cell: 0 }], ['nonsense', { rect: ['a', null] }], ['a list', [1]], ['a number too few', { line: [1, 2, 3] }],
])) {
  test(`not drawn: ${name}`, () => assert.equal(painted(worldOf([[1, 'a', 5, 5, look]])).calls.length, 1))
}

test('a sprite without a place is not drawn', () => {
  assert.equal(painted(worldOf([[1, 'a', undefined, undefined, { circle: 2 }]])).calls.length, 1)
})

test('a sprite without a look is a grey box with the name of its class', () => {
  const { calls } = painted(worldOf([[1, 'ghost', 100, 100]]))
  assert.deepEqual(calls.map((/** @type {any} */ c) => c.op), ['ground', 'fill', 'text'])
  assert.equal(calls[1].style, '#888')
  assert.equal(calls[2].text, 'ghost')
})

test('drawn by z, then id', () => {
  const { calls } = painted(worldOf([
    [4, 'a', 1, 1, { circle: 1, fill: 'd', z: 1 }],
    [3, 'a', 1, 1, { circle: 1, fill: 'b' }],
    [2, 'a', 1, 1, { circle: 1, fill: 'c' }, { z: 1 }],
    [1, 'a', 1, 1, { circle: 1, fill: 'a' }],
    [5, 'a', 1, 1, { circle: 1, fill: 'first', z: -1 }],
  ]))
  assert.deepEqual(calls.slice(1).map((/** @type {any} */ c) => c.style), ['first', 'a', 'b', 'c', 'd'])
})

test('a group is drawn in order, turned as one', () => {
  const group = [{ circle: 9, fill: 'a' }, { group: [{ rect: [1, 1], fill: 'b' }] }]
  const { calls } = painted(worldOf([[1, 'a', 100, 50, { group }, { angle: Math.PI / 2 }]]))
  assert.deepEqual(calls.slice(1).map((/** @type {any} */ c) => c.style), ['a', 'b'])
  for (const call of calls.slice(1)) assert.deepEqual(call.transform, [0, 1, -1, 0, 100, 50])
})

test('a caption stands upright above what is turned', () => {
  const look = { rect: [80, 10], fill: 'a', caption: 'Ann' }
  const flat = painted(worldOf([[1, 'a', 100, 200, look]])).calls[2]
  const turned = painted(worldOf([[1, 'a', 100, 200, look, { angle: Math.PI / 2 }]])).calls[2]
  assert.equal(flat.text, 'Ann')
  assert.deepEqual(flat.transform, [1, 0, 0, 1, 0, 0])
  assert.equal(flat.at[0], 100)
  assert.equal(Math.round(flat.at[1] - turned.at[1]), 35)
})

test('the stage is fitted into the canvas', () => {
  const { calls, scene } = painted(worldOf([[1, 'a', 320, 240, { circle: 1 }]]), [1280, 1200])
  assert.deepEqual(calls[0].box, [0, 120, 1280, 960])
  assert.deepEqual(calls[1].transform, [2, 0, 0, 2, 640, 600])
  assert.deepEqual(scene.toWorld(0, 120), [0, 0])
  assert.deepEqual(scene.toWorld(1280, 0), [640, -60])
})

for (const [name, me, want] of /** @type {[string, any, number[]][]} */ ([
  ['the sprite that the camera follows', { camera: 1, view: [320, 240] }, [100, 50]],
  ['a place', { camera: [200, 300], view: [320, 240] }, [200, 300]],
  ['the middle of the stage without a camera', { camera: null, view: [320, 240] }, [320, 240]],
  ['the middle of the stage without that sprite', { camera: 9, view: [320, 240] }, [320, 240]],
])) {
  test(`a view shows ${name}`, () => {
    const { scene } = painted(worldOf([[1, 'a', 100, 50, { circle: 1 }]], { me: { own: [], ...me } }))
    assert.deepEqual(scene.toWorld(320, 240), want)
    assert.deepEqual(scene.toWorld(0, 240), [want[0] - 160, want[1]])
  })
}

test('sprites come and go as late as they move', () => {
  const dt = 1000 / 30
  const world = worldOf([[1, 'a', 10, 10, { circle: 1, fill: 'one' }]])
  const scene = new Scene(30)
  const at = (/** @type {number} */ now) => {
    const ctx = recorder()
    scene.paint(ctx, now, 640, 480)
    return ctx.calls.slice(1).map((/** @type {any} */ c) => `${c.style} ${c.transform[4]}`)
  }
  scene.apply(world, { ...noChange, key: true }, dt)
  const old = world.sprites.get(1)
  const fresh = worldOf([[2, 'a', 30, 30, { circle: 1, fill: 'two' }]]).sprites.get(2)
  world.sprites.set(2, fresh)
  old.x = 20
  scene.apply(world, { ...noChange, n: 2, added: [fresh], moved: [old] }, 2 * dt)
  assert.deepEqual(at(2 * dt), ['one 10'])
  world.sprites.delete(1)
  scene.apply(world, { ...noChange, n: 3, removed: [old] }, 3 * dt)
  const lag = scene.lag
  assert.deepEqual(at(2 * dt + lag + 1), ['one 20', 'two 30'])
  assert.deepEqual(at(3 * dt + lag + 1), ['two 30'])
})

test('a key frame keeps what is still there moving, another match starts anew', () => {
  const dt = 1000 / 30
  const world = worldOf([[1, 'a', 10, 10, { circle: 1 }], [2, 'a', 10, 10, { circle: 1 }]])
  const scene = new Scene(30)
  scene.apply(world, { ...noChange, key: true }, dt)
  world.sprites.get(1).x = 20
  world.sprites.delete(2)
  scene.apply(world, { ...noChange, key: true, n: 2 }, 2 * dt)
  const ctx = recorder()
  scene.paint(ctx, 1.5 * dt + 1.25 * dt, 640, 480)
  assert.deepEqual(ctx.calls.slice(1).map((/** @type {any} */ c) => c.transform[4]), [15])

  world.epoch = 2
  world.sprites.get(1).x = 400
  scene.apply(world, { ...noChange, key: true, n: 1 }, 5000)
  const later = recorder()
  scene.paint(later, 5000, 640, 480)
  assert.deepEqual(later.calls.slice(1).map((/** @type {any} */ c) => c.transform[4]), [400])
})

test('attachDrawing sizes the canvas by its pixels and maps pointers into the world', (t) => {
  /** @type {Record<string, Function>} */
  const hooks = {}
  const fakes = {
    window: { devicePixelRatio: 2 },
    document: { addEventListener() {}, removeEventListener() {}, visibilityState: 'visible' },
    requestAnimationFrame: (/** @type {Function} */ fn) => ((hooks.repaint = fn), 1),
    cancelAnimationFrame: () => (hooks.cancelled = () => {}),
    ResizeObserver: class {
      /** @param {Function} fn */
      constructor(fn) { hooks.resize = fn }
      observe() {}
      disconnect() { hooks.disconnected = () => {} }
    },
  }
  const before = Object.fromEntries(Object.keys(fakes).map((k) => [k, Object.getOwnPropertyDescriptor(globalThis, k)]))
  for (const [k, value] of Object.entries(fakes)) Object.defineProperty(globalThis, k, { value, configurable: true, writable: true })
  t.after(() => {
    for (const [k, d] of Object.entries(before)) d ? Object.defineProperty(globalThis, k, d) : Reflect.deleteProperty(globalThis, k)
  })
  const ctx = recorder()
  /** @type {any} */
  const canvas = {
    width: 300, height: 150, clientWidth: 640, clientHeight: 480, clientLeft: 1, clientTop: 1,
    getContext: () => ctx, getBoundingClientRect: () => ({ left: 99, top: 49 }),
  }
  const world = worldOf([[1, 'a', 320, 240, { circle: 1 }]])
  /** @type {any} */
  const game = { fps: 30, world, on: (/** @type {string} */ type, /** @type {Function} */ fn) => ((hooks[type] = fn), () => (hooks.off = fn)) }
  const drawing = attachDrawing(game, canvas)
  hooks.resize()
  assert.deepEqual([canvas.width, canvas.height], [1280, 960])
  hooks.frame({ ...noChange, key: true }, 1000)
  hooks.repaint(1001)
  assert.deepEqual(ctx.calls.at(-1).transform, [2, 0, 0, 2, 640, 480])
  assert.deepEqual(drawing.toWorld(100, 50), [0, 0])
  assert.deepEqual(drawing.toWorld(740, 530), [640, 480])
  assert.ok(drawing.lag() > 40)
  hooks.repaint(5000)
  const { length } = ctx.calls
  hooks.repaint(5016)
  assert.equal(ctx.calls.length, length, 'nothing is repainted while nothing moves')
  drawing.close()
  assert.ok(hooks.off && hooks.cancelled && hooks.disconnected)
})
