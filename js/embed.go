// Package js holds the files of the browser client and the built-in page, as they are served.
package js

import "embed"

// Files are the page, its style, the modules and their types.
//
//go:embed *.js *.d.ts index.html page.css
var Files embed.FS
