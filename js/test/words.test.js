import assert from 'node:assert/strict'
import test from 'node:test'
import { endOf, scoreLine } from '../words.js'

for (const [name, fields, want] of /** @type {[string, any, any][]} */ ([
  ['a score of two', { score: [0, 3] }, { big: '0 : 3', items: [] }],
  ['a score of one', { score: 7 }, { big: '7', items: [] }],
  ['others by name', { round: 2, time: 41.50000001 }, { big: '', items: [['round', '2'], ['time', '41.5']] }],
  ['words as they are', { leader: 'Ann leads', over: false }, { big: '', items: [['', 'Ann leads'], ['over', 'no']] }],
  ['no objects', { a: { b: 1 }, c: null, d: [[1]], e: [{}], f: [], g: '' }, { big: '', items: [] }],
])) {
  test(`score line: ${name}`, () => assert.deepEqual(scoreLine(fields), want))
}

for (const [code, more, want] of /** @type {[string, any, [string, string]][]} */ ([
  ['superseded', undefined, ['You were moved to another tab.', 'Play here']],
  ['kicked', 'no shooting in the lobby', ['You were removed from the game.\nNo shooting in the lobby', '']],
  ['kicked', 'the server ended the session: kicked', ['You were removed from the game.', '']],
  ['refused', 'the match has begun', ['The match has begun', 'Try again']],
  ['refused', '', ['The game did not let you in.', 'Try again']],
  ['full', 'all 2 seats are taken', ['The game is full.', 'Try again']],
  ['constructor', 'x', ['The connection was lost.', 'Try again']],
])) {
  test(`end: ${code}, ${more}`, () => assert.deepEqual(endOf(code, more), want))
}
