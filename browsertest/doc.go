// Package browsertest tests games in a real browser: a built program, tabs of a headless Chromium with real key presses,
// what their pages draw, and proxies that are as bad as those out there.
//
//	game := browsertest.Start(t, browsertest.Build(t, "../examples/pong"), "-fps", "60")
//	browser := browsertest.Open(t)
//	left, right := browser.Tab(game.URL), browser.Tab(game.URL)
//	left.Hold("ArrowUp")
//	right.Until(5*time.Second, "the left paddle at the top", func(r browsertest.Repaint) bool {
//		paddles := r.In(640, 480).Rects(10, 80)
//		return len(paddles) == 2 && paddles[0].Y < 41
//	})
//	left.Release("ArrowUp")
//	left.Screenshot("top")
//	left.RequireQuiet()
//	game.Stop()
//
// The pages are those that players get, without test code: a script that each tab runs before the page's own notes what
// is drawn on canvases. All helpers belong to the test's goroutine and fail the test that they were made with.
package browsertest
