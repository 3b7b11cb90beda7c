// npm run size: how many bytes of JavaScript a page loads, each file compressed as it is served.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

/** The most that may be, in bytes: of the client alone, and of the built-in page with all it loads. */
export const limits = { 'httpmp.js': 23 * 1024, 'page.js': 40 * 1024 }

/**
 * Files that a module loads, itself included, with their sizes; those it imports only when they are needed
 * if so asked.
 */
export function sizes(entry, all = false) {
  const found = new Map()
  const visit = (name) => {
    if (found.has(name)) return
    const text = readFileSync(new URL(`../${name}`, import.meta.url))
    found.set(name, gzipSync(text, { level: 9 }).length)
    const imports = all ? /(?:^import|^export|import\()[^'"\n]*['"]\.\/([\w-]+\.js)['"]/gm : /^(?:import|export)\b[^'"\n]*['"]\.\/([\w-]+\.js)['"]/gm
    for (const [, next] of String(text).matchAll(imports)) visit(next)
  }
  visit(entry)
  return found
}

export const sum = (found) => [...found.values()].reduce((a, b) => a + b, 0)

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const entry of Object.keys(limits)) {
    const found = sizes(entry, entry === 'page.js')
    for (const [name, size] of found) console.log(`${String(size).padStart(6)}  ${name}`)
    console.log(`${String(sum(found)).padStart(6)}  of ${limits[entry]}: ${entry}\n`)
    if (sum(found) > limits[entry]) process.exitCode = 1
  }
}
