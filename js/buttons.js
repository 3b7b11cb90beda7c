// The numbers of buttons on the wire: keys by KeyboardEvent.code are USB HID usages (page 7), then
// Pointer0–Pointer4 from 256 and Pad0.Button0–Pad3.Button16 from 288, 32 a pad.

// A number, then the names that have it and those after it.
const KEYS =
  '4 KeyA KeyB KeyC KeyD KeyE KeyF KeyG KeyH KeyI KeyJ KeyK KeyL KeyM KeyN KeyO KeyP KeyQ KeyR KeyS KeyT KeyU KeyV KeyW ' +
  'KeyX KeyY KeyZ Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Enter Escape Backspace Tab Space ' +
  'Minus Equal BracketLeft BracketRight Backslash 51 Semicolon Quote Backquote Comma Period Slash CapsLock F1 F2 F3 F4 F5 F6 ' +
  'F7 F8 F9 F10 F11 F12 PrintScreen ScrollLock Pause Insert Home PageUp Delete End PageDown ArrowRight ArrowLeft ArrowDown ' +
  'ArrowUp NumLock NumpadDivide NumpadMultiply NumpadSubtract NumpadAdd NumpadEnter Numpad1 Numpad2 Numpad3 Numpad4 Numpad5 ' +
  'Numpad6 Numpad7 Numpad8 Numpad9 Numpad0 NumpadDecimal IntlBackslash ContextMenu Power NumpadEqual F13 F14 F15 F16 F17 F18 ' +
  'F19 F20 F21 F22 F23 F24 Open Help 119 Select 121 Again Undo Cut Copy Paste Find AudioVolumeMute AudioVolumeUp ' +
  'AudioVolumeDown 133 NumpadComma 135 IntlRo KanaMode IntlYen Convert NonConvert 144 Lang1 Lang2 Lang3 Lang4 Lang5 155 Abort ' +
  '163 Props 182 NumpadParenLeft NumpadParenRight 187 NumpadBackspace 204 NumpadHash 208 NumpadMemoryStore ' +
  'NumpadMemoryRecall NumpadMemoryClear NumpadMemoryAdd NumpadMemorySubtract 216 NumpadClear NumpadClearEntry 224 ControlLeft ' +
  'ShiftLeft AltLeft MetaLeft ControlRight ShiftRight AltRight MetaRight'

/** @type {Map<string, number>} every button's number by its name */
export const buttons = new Map()

let next = 0
for (const word of KEYS.split(' ')) {
  if (word > '9') buttons.set(word, next++)
  else next = Number(word)
}
for (let i = 0; i < 5; i++) buttons.set(`Pointer${i}`, 256 + i)
for (let i = 0; i < 4 * 17; i++) {
  const pad = Math.floor(i / 17)
  buttons.set(`Pad${pad}.Button${i % 17}`, 288 + 32 * pad + (i % 17))
}
