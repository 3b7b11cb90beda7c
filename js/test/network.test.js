// The one test with a real network below it: node's fetch and an HTTP server.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import test from 'node:test'
import { connect } from '../httpmp.js'
import { acking, bye, control, delta, event, first, full, game as row, key, me, record, schema } from './wire.js'

test('a game over HTTP: joins, plays, resumes, leaves', { timeout: 20000 }, async (t) => {
  const posts = []
  let outs = 0
  let out
  const server = createServer(async (req, res) => {
    const url = new URL(req.url, 'http://x')
    const chunks = []
    for await (const chunk of req) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    switch (url.pathname) {
      case '/game/join':
        return res.end(JSON.stringify({ proto: 2, token: 'secret', id: 1, epoch: 7, frame: 10, fps: 30, schema }))
      case '/game/in':
        posts.push(body.toString('hex'))
        res.writeHead(204).end()
        return out.write(record(acking(11, 1, delta(0, event('heard', posts.length)))))
      case '/game/out':
        out = res.writeHead(200)
        out.write(control({ hello: 2, epoch: 7, frame: 10, base: Number(url.searchParams.get('b')) }))
        return out.write(record(outs++ ? first(12, 1) : key(10, 0, full(0, row()), full(1, me()))))
      default:
        posts.push(`${url.pathname} ${req.headers.authorization}`)
        return res.writeHead(204).end()
    }
  })
  t.after(() => server.closeAllConnections() ?? server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const game = await connect({ url: `http://127.0.0.1:${server.address().port}/game` })
  const next = (type) => new Promise((resolve) => game.on(type, resolve))
  await next('state')
  const heard = next('heard')
  game.press('ArrowUp')
  assert.equal(await heard, 1)
  assert.deepEqual(posts, ['200a01000052'])
  assert.ok(game.latency >= 0)
  const states = []
  game.on('state', ({ state, reason }) => states.push(`${state} ${reason}`))
  out.end(bye({ code: 'rotate', retry: 1 }))
  while (game.state !== 'open' || outs < 2) await next('state')
  assert.equal(game.world.frame, 12)
  out.destroy()
  while (game.state !== 'open' || outs < 3) await next('state')
  game.close()
  assert.deepEqual(await game.closed, { reason: 'closed', error: null })
  while (posts.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(posts.at(-1), '/game/leave Bearer secret')
  assert.deepEqual(states, ['retrying rotate', 'open resumed', 'retrying network', 'open resumed', 'closed closed'])
})
