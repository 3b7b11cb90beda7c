import assert from 'node:assert/strict'
import test from 'node:test'
import { limits, sizes, sum } from './size.js'

for (const [entry, limit] of Object.entries(limits)) {
  test(`${entry} and what it loads stay small`, () => {
    const size = sum(sizes(entry, entry === 'page.js'))
    assert.ok(size <= limit, `${size} bytes, want at most ${limit}: npm run size`)
  })
}
