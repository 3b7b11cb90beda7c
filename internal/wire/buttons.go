package wire

import (
	"strconv"
	"strings"
)

// Buttons is how many button numbers there are: keys by their USB HID usage from 0, Pointer0 to
// Pointer4 from 256, Pad0.Button0 to Pad3.Button16 from 288 in steps of 32 a pad.
const Buttons = 416

const (
	firstPointer = 256
	firstPad     = 288
	padStep      = 32
	pointers     = 5
	pads         = 4
	padButtons   = 17
)

// keys are the names of KeyboardEvent.code by their usage on page 0x07 of the USB HID usage tables.
// Codes of the standard that have no usage there, such as those of media keys, are no buttons.
var keys = [256]string{
	0x04: "KeyA", "KeyB", "KeyC", "KeyD", "KeyE", "KeyF", "KeyG", "KeyH", "KeyI", "KeyJ", "KeyK", "KeyL", "KeyM",
	"KeyN", "KeyO", "KeyP", "KeyQ", "KeyR", "KeyS", "KeyT", "KeyU", "KeyV", "KeyW", "KeyX", "KeyY", "KeyZ",
	0x1e: "Digit1", "Digit2", "Digit3", "Digit4", "Digit5", "Digit6", "Digit7", "Digit8", "Digit9", "Digit0",
	0x28: "Enter", "Escape", "Backspace", "Tab", "Space", "Minus", "Equal", "BracketLeft", "BracketRight", "Backslash",
	0x33: "Semicolon", "Quote", "Backquote", "Comma", "Period", "Slash", "CapsLock",
	0x3a: "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12",
	0x46: "PrintScreen", "ScrollLock", "Pause", "Insert", "Home", "PageUp", "Delete", "End", "PageDown",
	0x4f: "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp",
	0x53: "NumLock", "NumpadDivide", "NumpadMultiply", "NumpadSubtract", "NumpadAdd", "NumpadEnter",
	0x59: "Numpad1", "Numpad2", "Numpad3", "Numpad4", "Numpad5", "Numpad6", "Numpad7", "Numpad8", "Numpad9", "Numpad0", "NumpadDecimal",
	0x64: "IntlBackslash", "ContextMenu", "Power", "NumpadEqual",
	0x68: "F13", "F14", "F15", "F16", "F17", "F18", "F19", "F20", "F21", "F22", "F23", "F24",
	0x74: "Open", "Help",
	0x77: "Select",
	0x79: "Again", "Undo", "Cut", "Copy", "Paste", "Find", "AudioVolumeMute", "AudioVolumeUp", "AudioVolumeDown",
	0x85: "NumpadComma",
	0x87: "IntlRo", "KanaMode", "IntlYen", "Convert", "NonConvert",
	0x90: "Lang1", "Lang2", "Lang3", "Lang4", "Lang5",
	0x9b: "Abort",
	0xa3: "Props",
	0xb6: "NumpadParenLeft", "NumpadParenRight",
	0xbb: "NumpadBackspace",
	0xcc: "NumpadHash",
	0xd0: "NumpadMemoryStore", "NumpadMemoryRecall", "NumpadMemoryClear", "NumpadMemoryAdd", "NumpadMemorySubtract",
	0xd8: "NumpadClear", "NumpadClearEntry",
	0xe0: "ControlLeft", "ShiftLeft", "AltLeft", "MetaLeft", "ControlRight", "ShiftRight", "AltRight", "MetaRight",
}

// buttonNames and buttonNumbers are the same table both ways; a number without a button has no name.
var (
	buttonNames   [Buttons]string
	buttonNumbers = map[string]int{}
)

func init() {
	copy(buttonNames[:], keys[:])
	for i := range pointers {
		buttonNames[firstPointer+i] = "Pointer" + strconv.Itoa(i)
	}
	for pad := range pads {
		for i := range padButtons {
			buttonNames[firstPad+padStep*pad+i] = "Pad" + strconv.Itoa(pad) + ".Button" + strconv.Itoa(i)
		}
	}
	for n, name := range buttonNames {
		if name != "" {
			buttonNumbers[name] = n
		}
	}
}

// Button returns the number of the button with that name.
func Button(name string) (n int, ok bool) {
	n, ok = buttonNumbers[name]
	return n, ok
}

// ButtonName returns the name of button n.
func ButtonName(n int) (string, bool) {
	if n < 0 || n >= Buttons || buttonNames[n] == "" {
		return "", false
	}
	return buttonNames[n], true
}

// NearButton returns the name of a button that comes closest to name: "ArrowUp" for "up" and
// "arrowup", "KeyA" for "a". Of several it is the one with the lowest number.
func NearButton(name string) string {
	name = strings.ToLower(name)
	if name == " " {
		return "Space"
	}
	for _, prefix := range []string{"", "key", "digit", "arrow", "pad0."} {
		for _, b := range buttonNames {
			if b != "" && strings.ToLower(b) == prefix+name {
				return b
			}
		}
	}
	name = name[:min(len(name), 32)] // no name is longer, and distance is quadratic
	best, least := "", 1<<30
	for _, b := range buttonNames {
		if b == "" {
			continue
		}
		if d := distance(name, strings.ToLower(b)); d < least {
			best, least = b, d
		}
	}
	return best
}

// distance returns what it costs to make b of a. A letter that is missing costs little, because names
// are shortened more often than drawn out: "esc", "ctrl".
func distance(a, b string) int {
	const missing, wrong = 1, 4
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j * missing
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = (i + 1) * wrong
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d += wrong
			}
			diagonal = row[j+1]
			row[j+1] = min(d, row[j]+missing, row[j+1]+wrong)
		}
	}
	return row[len(b)]
}
