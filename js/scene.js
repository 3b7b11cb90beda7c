// @ts-check
// The picture between frames and pixels: a stage fitted into a canvas, the sprites on it by z and id,
// each where it was at the moment that playout.js chooses. Nothing here needs a browser.

import { Track } from './interp.js'
import { drawCaption, drawLook, reachOf, setFill } from './look.js'
import { Playout } from './playout.js'

/** @typedef {import('./httpmp.js').World} World */
/** @typedef {import('./httpmp.js').Sprite} Sprite */
/** @typedef {import('./httpmp.js').Change} Change */
/** @typedef {import('./httpmp.js').Look} Look */

/** One sprite on the canvas, a little longer than it is in the world: both ends are shown as late as all else. */
class Figure {
  z = 0
  gone = Infinity

  /**
   * @param {Sprite} sprite
   * @param {Track} track
   * @param {number} born the moment from which it is shown
   */
  constructor(sprite, track, born) {
    this.sprite = sprite
    this.track = track
    this.born = born
  }
}

const CATCH_UP = 250 // ms: over a longer gap between two frames a sprite rests and then makes its step
const STALE = 500 // ms: over a longer gap it is shown where it is now
const MAX_GONE = 256 // removed sprites that wait for their moment while nobody looks
const STAGE = { w: 640, h: 480, color: 'black' }

/** Scene is told every frame that a page applies, and paints what is to be seen at a moment. */
export class Scene {
  #playout
  /** @type {World | undefined} */ #world
  #epoch = -1
  #frame = 0
  /** by z, then id, while sorted @type {Figure[]} */ #figures = []
  /** @type {Map<number, Figure>} */ #byId = new Map()
  #sorted = true
  #gone = 0
  /** the camera, where it is a place and not a sprite @type {Track} */ #camera
  /** device pixels = world units · scale + (x, y) */ #view = { scale: 1, x: 0, y: 0 }

  /** @param {number} fps */
  constructor(fps) {
    this.#playout = new Playout(fps)
    this.#camera = new Track(this.#playout.dt)
  }

  get lag() {
    return this.#playout.lag
  }

  /** Shows the present at the next repaint: after the page was hidden. */
  snap() {
    this.#playout.snap()
  }

  /**
   * Takes over what a frame changed.
   * @param {World} world after the frame
   * @param {Change} change
   * @param {number} arrival ms
   */
  apply(world, change, arrival) {
    const n = change.n
    if (world.epoch !== this.#epoch || n < this.#frame) this.#reset(world.epoch)
    const all = this.#world !== world || change.key || this.#frame === 0
    const gap = this.#frame === 0 ? 0 : n - this.#frame
    const before = this.#playout.newest
    this.#world = world
    this.#frame = n
    this.#playout.frame(n, arrival)

    if (all) {
      for (const id of this.#byId.keys()) if (!world.sprites.has(id)) this.#remove(id, 0)
      for (const sprite of world.sprites.values()) this.#sample(sprite, gap, before, true)
    } else {
      for (const sprite of change.removed) this.#remove(sprite.id, this.#playout.newest)
      for (const sprite of change.added) this.#sample(sprite, gap, before, false)
      for (const sprite of change.moved) this.#sample(sprite, gap, before, false)
      for (const sprite of change.updated) this.#sample(sprite, gap, before, false)
    }
    const centre = world.me?.camera
    if (!Array.isArray(centre)) this.#camera.clear()
    else if (all || change.meChanged) this.#step(this.#camera, centre[0], centre[1], 0, gap, before, all)
    if (this.#gone > MAX_GONE) this.#sweep(this.#playout.newest)
  }

  /**
   * Paints what the page shows at a moment.
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} now on the clock of arrival
   * @param {number} width of the canvas, in device pixels
   * @param {number} height
   * @param {number} [ratio] device pixels a CSS pixel
   * @returns {boolean} whether it may look different soon, with no further frame
   */
  paint(ctx, now, width, height, ratio = 1) {
    ctx.setTransform(1, 0, 0, 1, 0, 0)
    ctx.clearRect(0, 0, width, height)
    const world = this.#world
    if (!world) return false
    const t = this.#playout.at(now)
    let moving = this.#move(t)
    if (!this.#sorted) this.#sort()

    const stage = world.stage ?? STAGE
    const { left, top, w, h } = this.#fit(stage, world.me, width, height)
    const { scale, x, y } = this.#view
    ctx.save()
    ctx.beginPath()
    ctx.rect(left, top, w, h)
    ctx.clip()
    setFill(ctx, stage.color || 'black')
    ctx.fillRect(Math.round(x), Math.round(y), Math.round(stage.w * scale), Math.round(stage.h * scale))
    for (const figure of this.#figures) {
      if (figure.born > t) {
        moving = true
        continue
      }
      const { x: px, y: py, angle } = figure.track
      const c = angle === 0 ? scale : scale * Math.cos(angle)
      const s = angle === 0 ? 0 : scale * Math.sin(angle)
      ctx.setTransform(c, s, -s, c, px * scale + x, py * scale + y)
      drawLook(ctx, lookOf(figure.sprite))
    }
    ctx.setTransform(1, 0, 0, 1, 0, 0)
    this.#drawCaptions(ctx, t, Math.min(Math.max(h * 0.03, 11 * ratio), 40 * ratio))
    ctx.restore()
    return moving
  }

  /**
   * @param {number} x device pixels from the left edge of the canvas
   * @param {number} y
   * @returns {[x: number, y: number]} world units
   */
  toWorld(x, y) {
    const view = this.#view
    return [(x - view.x) / view.scale, (y - view.y) / view.scale]
  }

  /** @param {number} epoch */
  #reset(epoch) {
    this.#epoch = epoch
    this.#frame = 0
    this.#figures.length = 0
    this.#byId.clear()
    this.#gone = 0
    this.#camera.clear()
    this.#playout.reset()
  }

  /**
   * @param {Sprite} sprite
   * @param {number} gap frames since the one before, 0 without one
   * @param {number} before the moment of that
   * @param {boolean} whole whether the frame told everything, not only what changed
   */
  #sample(sprite, gap, before, whole) {
    const { x, y } = sprite
    if (typeof x !== 'number' || typeof y !== 'number') return
    let figure = this.#byId.get(sprite.id)
    if (!figure) {
      figure = new Figure(sprite, new Track(this.#playout.dt), whole ? -Infinity : this.#playout.newest)
      this.#byId.set(sprite.id, figure)
      this.#figures.push(figure)
      this.#sorted = false
    }
    figure.sprite = sprite
    const z = zOf(sprite)
    if (z !== figure.z) this.#sorted = false
    figure.z = z
    const { angle, vel } = sprite.fields
    figure.track.vel = Array.isArray(vel) ? vel : undefined
    this.#step(figure.track, x, y, typeof angle === 'number' ? angle : 0, gap, before, whole)
  }

  /**
   * @param {Track} track
   * @param {number} x
   * @param {number} y
   * @param {number} angle
   * @param {number} gap
   * @param {number} before
   * @param {boolean} whole
   */
  #step(track, x, y, angle, gap, before, whole) {
    const { w, h } = this.#world?.stage ?? STAGE
    const ms = gap * this.#playout.dt
    const long = whole ? STALE : CATCH_UP
    const span = gap <= 1 ? gap : track.last === before && ms <= long ? gap : whole && ms > STALE ? 0 : 1
    track.add(this.#frame, x, y, angle, span, Math.min(w, h) / 4)
  }

  /**
   * @param {number} id
   * @param {number} moment from which it is not shown
   */
  #remove(id, moment) {
    const figure = this.#byId.get(id)
    if (!figure) return
    figure.gone = moment
    this.#byId.delete(id)
    this.#gone++
  }

  /**
   * Moves every figure to a moment.
   * @param {number} t
   */
  #move(t) {
    if (this.#gone > 0) this.#sweep(t)
    const { w, h } = this.#world?.stage ?? STAGE
    const snap = Math.min(w, h) / 4
    let moving = this.#gone > 0
    for (const figure of this.#figures) moving = figure.track.at(t, this.#playout.newest, snap) || moving
    return this.#camera.at(t, this.#playout.newest, snap) || moving
  }

  /**
   * Drops the figures that are gone by a moment.
   * @param {number} t
   */
  #sweep(t) {
    let kept = 0
    for (const figure of this.#figures) if (figure.gone > t) this.#figures[kept++] = figure
    this.#gone -= this.#figures.length - kept
    this.#figures.length = kept
  }

  #sort() {
    this.#figures.sort((a, b) => a.z - b.z || a.sprite.id - b.sprite.id)
    this.#sorted = true
  }

  /**
   * Fits the part of the world that is shown into the canvas.
   * @param {{w: number, h: number}} stage
   * @param {World['me'] | undefined} me
   * @param {number} width
   * @param {number} height
   * @returns {{left: number, top: number, w: number, h: number}} where it is on the canvas
   */
  #fit(stage, me, width, height) {
    const [viewW, viewH] = viewOf(stage, me)
    let x = stage.w / 2
    let y = stage.h / 2
    const followed = typeof me?.camera === 'number' ? this.#byId.get(me.camera)?.track : undefined
    const track = followed ?? (Array.isArray(me?.camera) ? this.#camera : undefined)
    if (track) ({ x, y } = track)
    const scale = Math.min(width / viewW, height / viewH)
    const w = Math.round(viewW * scale)
    const h = Math.round(viewH * scale)
    const left = Math.round((width - w) / 2)
    const top = Math.round((height - h) / 2)
    this.#view.scale = scale
    this.#view.x = left + (viewW / 2 - x) * scale
    this.#view.y = top + (viewH / 2 - y) * scale
    return { left, top, w, h }
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} t
   * @param {number} size of the letters, in device pixels
   */
  #drawCaptions(ctx, t, size) {
    const { scale, x, y } = this.#view
    for (const { sprite, track, born } of this.#figures) {
      const look = lookOf(sprite)
      const text = look?.caption
      if (born > t || typeof text !== 'string' || text === '') continue
      const up = reachOf(look, track.angle)
      drawCaption(ctx, text, track.x * scale + x, (track.y - up) * scale + y - size / 3, size)
    }
  }
}

/**
 * Returns the size of the part of the world that a page shows.
 * @param {{w: number, h: number} | null} stage
 * @param {World['me'] | undefined} me
 * @returns {readonly [w: number, h: number]}
 */
export function viewOf(stage, me) {
  if (me?.view && me.view[0] > 0 && me.view[1] > 0) return me.view
  const { w, h } = stage ?? STAGE
  return [w, h]
}

/** @type {Map<string, Look>} */
const boxes = new Map()

/**
 * Returns how a sprite looks: one without a look is a grey box with the name of its class.
 * @param {Sprite} sprite
 * @returns {Look | null}
 */
function lookOf(sprite) {
  if (sprite.look || sprite.fields.look !== undefined) return sprite.look ?? null
  let box = boxes.get(sprite.class)
  if (!box) boxes.set(sprite.class, (box = { rect: [24, 24], fill: '#888', caption: sprite.class }))
  return box
}

/** @param {Sprite} sprite */
function zOf(sprite) {
  const z = sprite.fields.z ?? lookOf(sprite)?.z
  return typeof z === 'number' ? z : 0
}
