// @ts-check
// Drawing one look: the shape of a sprite, around the origin of the context it is drawn on.

/**
 * A look as the wire shows it; docs/protocol.md lists the members.
 * @typedef {Readonly<Record<string, unknown>>} Look
 */

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
const EMOJI = '"Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", ' + FONT
const DEPTH = 8 // groups in groups

/**
 * Draws a look with its centre at the origin. What is not a known shape is not drawn.
 * @param {CanvasRenderingContext2D} ctx
 * @param {unknown} look
 */
export function drawLook(ctx, look, depth = 0) {
  if (!isLook(look)) return
  const { rect, circle, poly, line, text, emoji, group } = look
  if (isNumbers(rect, 2)) {
    ctx.beginPath()
    ctx.rect(-rect[0] / 2, -rect[1] / 2, rect[0], rect[1])
    paint(ctx, look)
  } else if (isNumber(circle)) {
    ctx.beginPath()
    ctx.arc(0, 0, Math.max(circle, 0), 0, 2 * Math.PI)
    paint(ctx, look)
  } else if (isNumbers(poly, 4)) {
    ctx.beginPath()
    for (let i = 0; i + 1 < poly.length; i += 2) ctx.lineTo(poly[i], poly[i + 1])
    ctx.closePath()
    paint(ctx, look)
  } else if (isNumbers(line, 4)) {
    ctx.beginPath()
    ctx.moveTo(line[0], line[1])
    ctx.lineTo(line[2], line[3])
    stroke(ctx, look.stroke ?? look.fill ?? 'white', look.width)
  } else if (typeof text === 'string') {
    drawText(ctx, text, FONT, look)
  } else if (typeof emoji === 'string') {
    drawText(ctx, emoji, EMOJI, look)
  } else if (Array.isArray(group) && depth < DEPTH) {
    for (const part of group) drawLook(ctx, part, depth + 1)
  }
}

/**
 * Draws a line of text above a point, legible on any ground.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} x its middle
 * @param {number} y its lower edge
 * @param {number} size
 */
export function drawCaption(ctx, text, x, y, size) {
  ctx.font = `500 ${size}px ${FONT}`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'bottom'
  ctx.lineJoin = 'round'
  ctx.lineWidth = size / 4
  ctx.strokeStyle = 'rgba(0, 0, 0, 0.6)'
  ctx.strokeText(text, x, y)
  ctx.fillStyle = 'white'
  ctx.fillText(text, x, y)
}

/**
 * Returns how far above its centre a look reaches once it is turned.
 * @param {unknown} look
 * @param {number} angle radians
 * @returns {number}
 */
export function reachOf(look, angle, depth = 0) {
  if (!isLook(look)) return 0
  const { rect, circle, poly, line, text, emoji, group } = look
  const s = Math.sin(angle)
  const c = Math.cos(angle)
  if (isNumbers(rect, 2)) return (Math.abs(rect[0] * s) + Math.abs(rect[1] * c)) / 2
  if (isNumber(circle)) return circle
  let reach = 0
  const points = isNumbers(poly, 4) ? poly : isNumbers(line, 4) ? line : undefined
  if (points) {
    for (let i = 0; i + 1 < points.length; i += 2) reach = Math.max(reach, -points[i] * s - points[i + 1] * c)
    return reach
  }
  if (typeof text === 'string' || typeof emoji === 'string') return sizeOf(look) / 2
  if (Array.isArray(group) && depth < DEPTH) {
    for (const part of group) reach = Math.max(reach, reachOf(part, angle, depth + 1))
  }
  return reach
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {string} family
 * @param {Look} look
 */
function drawText(ctx, text, family, look) {
  ctx.font = `${sizeOf(look)}px ${family}`
  ctx.textAlign = 'center'
  ctx.textBaseline = 'middle'
  if (look.stroke) {
    prepareStroke(ctx, look.stroke, look.width, 'round')
    ctx.strokeText(text, 0, 0)
  }
  setFill(ctx, look.fill ?? 'white')
  ctx.fillText(text, 0, 0)
}

/**
 * Fills and outlines the current path as a look says: with neither colour it is filled grey.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Look} look
 */
function paint(ctx, look) {
  if (look.fill || !look.stroke) {
    setFill(ctx, look.fill)
    ctx.fill()
  }
  if (look.stroke) stroke(ctx, look.stroke, look.width)
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {unknown} color
 * @param {unknown} width
 */
function stroke(ctx, color, width) {
  prepareStroke(ctx, color, width)
  ctx.stroke()
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {unknown} color
 * @param {unknown} width
 * @param {CanvasLineJoin} [join]
 */
function prepareStroke(ctx, color, width, join = 'miter') {
  ctx.lineJoin = join
  ctx.strokeStyle = '#888'
  if (typeof color === 'string') ctx.strokeStyle = color
  ctx.lineWidth = isNumber(width) && width > 0 ? width : 1
}

/**
 * Sets the fill colour; a context keeps its last one when it is given what is no colour.
 * @param {CanvasRenderingContext2D} ctx
 * @param {unknown} color
 */
export function setFill(ctx, color) {
  ctx.fillStyle = '#888'
  if (typeof color === 'string') ctx.fillStyle = color
}

/** @param {Look} look */
function sizeOf(look) {
  return isNumber(look.size) && look.size > 0 ? look.size : 16
}

/** @param {unknown} v @returns {v is Look} */
function isLook(v) {
  return typeof v === 'object' && v !== null && !Array.isArray(v)
}

/** @param {unknown} v @returns {v is number} */
function isNumber(v) {
  return typeof v === 'number' && Number.isFinite(v)
}

/** @param {unknown} v @param {number} least @returns {v is number[]} */
function isNumbers(v, least) {
  return Array.isArray(v) && v.length >= least && v.every(isNumber)
}
