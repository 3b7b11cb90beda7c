// A stage of 640 by 480 on a canvas of 900 by 600: a box that the arrow keys move, a ball, and one shape of every kind.
const canvas = document.querySelector('#stage')
const ctx = canvas.getContext('2d')
const scale = Math.min(canvas.width / 640, canvas.height / 480)
const left = (canvas.width - 640 * scale) / 2
let y = 240
let clicked = ''
const down = new Set()
addEventListener('keydown', (e) => down.add(e.code))
addEventListener('keyup', (e) => down.delete(e.code))
canvas.addEventListener('pointerdown', (e) => (clicked = `${e.offsetX},${e.offsetY}`))

function repaint() {
  requestAnimationFrame(repaint)
  if (down.has('ArrowUp')) y -= 4
  if (down.has('KeyS')) y += 4
  ctx.setTransform(1, 0, 0, 1, 0, 0)
  ctx.clearRect(0, 0, canvas.width, canvas.height)
  ctx.fillStyle = 'black'
  ctx.fillRect(left, 0, 640 * scale, 480 * scale)

  ctx.setTransform(scale, 0, 0, scale, left, 0)
  ctx.fillStyle = 'white'
  ctx.fillRect(15, y - 40, 10, 80)

  ctx.save()
  ctx.translate(320, 240)
  ctx.beginPath()
  ctx.arc(0, 0, 6, 0, 2 * Math.PI)
  ctx.fillStyle = '#ff8800'
  ctx.fill()
  ctx.restore()

  ctx.save()
  ctx.translate(100, 100)
  ctx.rotate(Math.PI / 2)
  ctx.beginPath()
  ctx.rect(-20, -5, 40, 10)
  ctx.fill()
  ctx.restore()

  ctx.beginPath()
  ctx.moveTo(200, 100)
  ctx.lineTo(240, 100)
  ctx.lineTo(220, 160)
  ctx.closePath()
  ctx.fillStyle = 'lime'
  ctx.fill()

  const half = new Path2D()
  half.arc(500, 100, 30, 0, Math.PI)
  ctx.globalAlpha = 0.5
  ctx.fill(half)
  ctx.globalAlpha = 1
  ctx.strokeStyle = 'red'
  ctx.strokeRect(300, 300, 20, 10)
  ctx.fillText(`hello ${clicked}`, 320, 20)
}
requestAnimationFrame(repaint)

if (location.search === '?loud') {
  console.warn('a word', 42)
  const style = document.createElement('img')
  style.src = 'http://elsewhere.test/x.png' // the Content-Security-Policy forbids it
  document.body.append(style)
  fetch('missing')
  fetch('http://127.0.0.1:1/').catch(() => {})
  Promise.reject(new Error('nobody catches me'))
  setTimeout(() => {
    throw new Error('thrown')
  })
}

// Reads the endless stream, and again when it breaks.
for (;;) {
  try {
    const reader = (await fetch('count')).body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break
      document.querySelector('#count').textContent = `at ${value.trim()}`
    }
  } catch {
    document.querySelector('#count').textContent = 'broken'
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
