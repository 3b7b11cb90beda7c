package browsertest

import "testing"

// RequireQuietFor is RequireQuiet with another test to fail.
func RequireQuietFor(tab *Tab, t testing.TB) {
	tab.mu.Lock()
	other := &Tab{t: t, ctx: tab.ctx, notes: tab.notes}
	tab.mu.Unlock()
	other.RequireQuiet()
}
