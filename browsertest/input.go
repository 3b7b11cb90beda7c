package browsertest

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// key is what a keyboard of the United States makes of a key.
type key struct {
	name    string // KeyboardEvent.key
	virtual int64  // the code by which Windows knows it
	text    string // what it types; "" for nothing
}

var keys = map[string]key{
	"ArrowLeft": {"ArrowLeft", 37, ""}, "ArrowUp": {"ArrowUp", 38, ""}, "ArrowRight": {"ArrowRight", 39, ""}, "ArrowDown": {"ArrowDown", 40, ""},
	"Enter": {"Enter", 13, "\r"}, "Escape": {"Escape", 27, ""}, "Space": {" ", 32, " "}, "Tab": {"Tab", 9, ""}, "Backspace": {"Backspace", 8, ""},
	"ShiftLeft": {"Shift", 16, ""}, "ControlLeft": {"Control", 17, ""}, "AltLeft": {"Alt", 18, ""},
}

func init() {
	for c := 'a'; c <= 'z'; c++ {
		upper := c - 'a' + 'A'
		keys["Key"+string(upper)] = key{string(c), int64(upper), string(c)}
	}
	for c := '0'; c <= '9'; c++ {
		keys["Digit"+string(c)] = key{string(c), int64(c), string(c)}
	}
}

// Hold presses a key, named by its KeyboardEvent.code ("ArrowUp", "KeyW"), and keeps it down. There is no auto-repeat.
func (tab *Tab) Hold(code string) {
	tab.t.Helper()
	k, typ := tab.key(code), input.DispatchKeyEventTypeKeyDown
	if k.text == "" {
		typ = input.DispatchKeyEventTypeRawKeyDown
	}
	tab.dispatch(code, input.DispatchKeyEventParams{
		Type: typ, Code: code, Key: k.name, Text: k.text, UnmodifiedText: k.text, WindowsVirtualKeyCode: k.virtual, NativeVirtualKeyCode: k.virtual,
	})
}

// Release lets a key go.
func (tab *Tab) Release(code string) {
	tab.t.Helper()
	k := tab.key(code)
	tab.dispatch(code, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyUp, Code: code, Key: k.name, WindowsVirtualKeyCode: k.virtual, NativeVirtualKeyCode: k.virtual,
	})
}

// Tap presses a key and lets it go at once.
func (tab *Tab) Tap(code string) {
	tab.t.Helper()
	tab.Hold(code)
	tab.Release(code)
}

// HoldFor presses a key for about d.
func (tab *Tab) HoldFor(code string, d time.Duration) {
	tab.t.Helper()
	tab.Hold(code)
	<-time.After(d)
	tab.Release(code)
}

// Type puts text into the element that has the focus, as pasting does: without key events.
func (tab *Tab) Type(text string) {
	tab.t.Helper()
	tab.do("typing", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return err
	})
}

// Point moves the mouse to a place in the tab, in CSS pixels.
func (tab *Tab) Point(x, y float64) {
	tab.t.Helper()
	tab.mouse(input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: x, Y: y})
}

// Click presses and lets go the left mouse button at a place in the tab, in CSS pixels.
func (tab *Tab) Click(x, y float64) {
	tab.t.Helper()
	tab.Point(x, y)
	down := input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMousePressed, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1}
	tab.mouse(down)
	up := down
	up.Type, up.Buttons = input.DispatchMouseEventTypeMouseReleased, 0
	tab.mouse(up)
}

func (tab *Tab) key(code string) key {
	tab.t.Helper()
	k, ok := keys[code]
	if !ok {
		tab.t.Fatalf("browsertest: key %q, want a KeyboardEvent.code that keys in input.go lists", code)
	}
	return k
}

func (tab *Tab) dispatch(code string, p input.DispatchKeyEventParams) {
	tab.t.Helper()
	tab.do(string(p.Type)+" "+code, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.DispatchKeyEvent, p)
		return err
	})
}

func (tab *Tab) mouse(p input.DispatchMouseEventParams) {
	tab.t.Helper()
	tab.do(string(p.Type), func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, input.DispatchMouseEvent, p)
		return err
	})
}
