// @ts-check
// The canvas renderer: keeps a canvas at the size of its pixels and repaints it while there is something to see.

import { Scene } from './scene.js'

/** @typedef {import('./httpmp.js').Game} Game */

/**
 * What a canvas that shows a game can be asked.
 * @typedef {object} Drawing
 * @property {() => void} close stops drawing; the canvas keeps its last picture
 * @property {(clientX: number, clientY: number) => [x: number, y: number]} toWorld from a pointer event's
 *   place to world units as the canvas shows them now, not clamped to the stage
 * @property {() => number} lag ms that the picture is behind the newest frame a perfect network would have brought
 */

/**
 * Draws a game on a canvas, whatever size the page gives it, until it is closed.
 * @param {Game} game
 * @param {HTMLCanvasElement} canvas
 * @returns {Drawing}
 */
export function attachDrawing(game, canvas) {
  const ctx = canvas.getContext('2d')
  if (!ctx) throw new Error('httpmp: the canvas gives no 2d context, want one without another kind of context')
  let fps = game.fps
  let scene = new Scene(fps)
  let ratio = window.devicePixelRatio || 1
  let dirty = true
  let moving = false
  let request = 0

  const offFrame = game.on('frame', (change, arrival) => {
    if (game.fps !== fps) scene = new Scene((fps = game.fps))
    scene.apply(game.world, change, arrival)
    dirty = true
  })

  const fit = () => {
    const width = Math.max(Math.round(canvas.clientWidth * ratio), 1)
    const height = Math.max(Math.round(canvas.clientHeight * ratio), 1)
    if (canvas.width === width && canvas.height === height) return
    canvas.width = width
    canvas.height = height
    moving = scene.paint(ctx, performance.now(), width, height, ratio) // a new size has cleared it
  }
  const observer = new ResizeObserver(fit)
  observer.observe(canvas)

  const repaint = (/** @type {number} */ now) => {
    request = requestAnimationFrame(repaint)
    if (ratio !== (window.devicePixelRatio || 1)) {
      ratio = window.devicePixelRatio || 1
      fit()
    }
    if (!dirty && !moving) return
    dirty = false
    moving = scene.paint(ctx, now, canvas.width, canvas.height, ratio)
  }
  request = requestAnimationFrame(repaint)

  const onVisible = () => {
    if (document.visibilityState === 'visible') scene.snap()
  }
  document.addEventListener('visibilitychange', onVisible)

  return {
    close() {
      offFrame()
      observer.disconnect()
      cancelAnimationFrame(request)
      document.removeEventListener('visibilitychange', onVisible)
    },
    toWorld(clientX, clientY) {
      const box = canvas.getBoundingClientRect()
      const x = clientX - box.left - canvas.clientLeft
      const y = clientY - box.top - canvas.clientTop
      return scene.toWorld(x * (canvas.width / (canvas.clientWidth || 1)), y * (canvas.height / (canvas.clientHeight || 1)))
    },
    lag: () => scene.lag,
  }
}
