// Runs in a page before its own scripts, and notes what the page draws on its canvases: the calls on 2d contexts that
// leave a mark, each with its transform, gathered into repaints. A repaint is what is drawn on one canvas in one task.
(() => {
  const KEEP = 240 // repaints
  const repaints = []
  const open = new Map() // canvas -> its repaint of this task
  const paths = new WeakMap() // context or Path2D -> segments of its current path
  let number = 0

  const matrix = (ctx) => {
    const { a, b, c, d, e, f } = ctx.getTransform()
    return [a, b, c, d, e, f]
  }

  const repaintOf = (canvas) => {
    let repaint = open.get(canvas)
    if (repaint) return repaint
    if (open.size === 0) queueMicrotask(() => open.clear()) // microtasks run when the task's own code is done
    const box = canvas.getBoundingClientRect()
    repaint = {
      number: ++number,
      time: performance.now(),
      canvas: { id: canvas.id, width: canvas.width, height: canvas.height, box: [box.left, box.top, box.width, box.height] },
      shapes: [],
    }
    open.set(canvas, repaint)
    repaints.push(repaint)
    if (repaints.length > KEEP) repaints.shift()
    return repaint
  }

  const mark = (ctx, op, path, more) => {
    const style = op === 'stroke' ? ctx.strokeStyle : op === 'fill' || op === 'text' ? ctx.fillStyle : ''
    const color = typeof style === 'string' ? style : style.constructor.name // CanvasGradient, CanvasPattern
    repaintOf(ctx.canvas).shapes.push({ op, path, matrix: matrix(ctx), color, alpha: ctx.globalAlpha, ...more })
  }

  const wrap = (proto, name, note) => {
    const original = proto[name]
    if (!original) return
    proto[name] = function (...args) {
      note(this, args)
      return original.apply(this, args)
    }
  }

  const segment = (target, name, args, m) => {
    let path = paths.get(target)
    if (!path) paths.set(target, (path = []))
    path.push({ name, args, matrix: m })
  }

  const proto = CanvasRenderingContext2D.prototype
  const identity = [1, 0, 0, 1, 0, 0]
  for (const name of ['moveTo', 'lineTo', 'rect', 'roundRect', 'arc', 'ellipse', 'arcTo', 'quadraticCurveTo', 'bezierCurveTo', 'closePath']) {
    wrap(proto, name, (ctx, args) => segment(ctx, name, args.flat().map(Number), matrix(ctx)))
    wrap(Path2D.prototype, name, (path, args) => segment(path, name, args.flat().map(Number), identity))
  }
  wrap(proto, 'beginPath', (ctx) => paths.set(ctx, []))

  const current = (ctx, path) => {
    if (!(path instanceof Path2D)) return (paths.get(ctx) ?? []).slice()
    const [a, b, c, d, e, f] = matrix(ctx)
    // A Path2D is transformed when it is drawn, and its own segments never are: see identity above.
    return (paths.get(path) ?? []).map((s) => ({ ...s, matrix: [a, b, c, d, e, f] }))
  }
  for (const op of ['fill', 'stroke']) wrap(proto, op, (ctx, [path]) => mark(ctx, op, current(ctx, path)))

  const box = (ctx, x, y, w, h) => [{ name: 'rect', args: [x, y, w, h].map(Number), matrix: matrix(ctx) }]
  wrap(proto, 'fillRect', (ctx, args) => mark(ctx, 'fill', box(ctx, ...args)))
  wrap(proto, 'strokeRect', (ctx, args) => mark(ctx, 'stroke', box(ctx, ...args)))
  wrap(proto, 'clearRect', (ctx, args) => mark(ctx, 'clear', box(ctx, ...args)))
  wrap(proto, 'fillText', (ctx, [text, x, y]) => mark(ctx, 'text', box(ctx, x, y, 0, 0), { text: String(text) }))
  wrap(proto, 'drawImage', (ctx, args) => {
    const [image] = args
    const [x, y, w = image.naturalWidth ?? image.width, h = image.naturalHeight ?? image.height] = args.slice(args.length > 5 ? 5 : 1)
    mark(ctx, 'image', box(ctx, x, y, w, h))
  })

  Object.defineProperty(window, 'httpmpDrawn', { value: (last, after) => JSON.stringify(repaints.slice(-last).filter((r) => r.number > after)) })
})()
