// The canonical form of a world, the same as Go's: what internal/wire's Replica.JSON writes.

/** @param {import('../decode.js').World} world */
export function canonical(world) {
  const types = new Map(world.schema.classes.map((c) => [c.name, c.fields]))
  const [game, me] = world.schema.classes
  const sprites = {}
  for (const id of [...world.sprites.keys()].sort((a, b) => a - b)) {
    const s = world.sprites.get(id)
    const all = Object.assign(Object.create(null), s.fields)
    if (s.x !== undefined) all.pos = [s.x, s.y]
    for (const name in all) if (all[name] === null || Number.isNaN(all[name])) delete all[name] // as JSON mode takes a field back
    const fields = [...(types.get(s.class) ?? []), ...(types.get(s.class + '+') ?? [])]
    sprites[id] = { class: s.class, fields: named(all, fields) }
  }
  return { frame: world.frame, game: named(world.game, game.fields), stage: world.stage, me: named({ ...world.me }, me.fields), sprites }
}

/** The members of values by name, as JSON mode shows them. */
function named(values, fields) {
  const out = Object.create(null)
  for (const name of Object.keys(values).sort()) {
    const field = fields.find(([n]) => n === name)
    out[name] = shown(values[name], field?.[1], field?.[2] ?? 1)
  }
  return out
}

function shown(v, type, quantum) {
  switch (type) {
    case 'angle':
      return Number(v.toFixed(4))
    case 'f32':
      return shortest(v)
    case 'int':
      return places(v, quantum)
    case 'pos':
      return v.map((k) => places(k, quantum))
    default:
      return v
  }
}

function places(v, quantum) {
  for (let p = 0; p < 9; p++) {
    const w = quantum * 10 ** p
    if (Math.round(w) > 0 && Math.abs(w - Math.round(w)) <= 1e-9) return v // exact
  }
  return Number(v.toFixed(9))
}

/** The shortest decimal that is the same float32; of two as near, as Go has it, the even one. */
function shortest(v) {
  if (!Number.isFinite(v)) return null
  for (let p = 1; p < 10; p++) {
    const up = v.toPrecision(p)
    const longer = v.toPrecision(p + 1)
    const tie = Number(longer) === v && /5(e|$)/.test(longer) && /[13579](e|$)/.test(up)
    const w = tie ? longer.replace(/\.?5(e|$)/, '$1') : up
    if (Math.fround(Number(w)) === v) return Number(w)
  }
  return v
}
