/** The browser client of httpmp. Coordinates are world units, y down; times are milliseconds. */

/** What `connect` is told. */
export interface Options {
  /**
   * The canvas that the game is drawn on, and over which pointers count. Without one nothing is drawn.
   * @default undefined
   */
  readonly canvas?: HTMLCanvasElement
  /**
   * Where the Engine is mounted, absolute or relative to the document; a slash is added at the end.
   * @default the document's folder
   */
  readonly url?: string | URL
  /**
   * The player's name: 32 characters at most.
   * @default ''
   */
  readonly name?: string
  /**
   * Anything that JSON can hold, for `Client.Decode` in the game's `Join`.
   * @default undefined
   */
  readonly data?: unknown
  /**
   * Ends the game when it is aborted, as `close` does; before `connect` is done, that rejects with the
   * signal's reason.
   * @default undefined
   */
  readonly signal?: AbortSignal
  /**
   * What makes requests, for tests.
   * @default globalThis.fetch
   */
  readonly fetch?: typeof fetch
  /**
   * Whether keys, pointers and the wheel are sent to the game. Needs `draw`, which knows where in the
   * world a pointer is.
   * @default true with a canvas
   */
  readonly input?: boolean
  /**
   * Whether the canvas is drawn on.
   * @default true with a canvas
   */
  readonly draw?: boolean
  /**
   * How frames come: one endless response, an answer to each request, or whichever works here.
   * @default 'auto'
   */
  readonly mode?: 'auto' | 'stream' | 'poll'
}

/**
 * Joins the game, and is done when it is joined: listeners that are added at once miss nothing.
 *
 * A server that cannot be reached is asked six times; then, or when it refuses, this rejects with an
 * {@link HTTPMPError}. Later breaks are mended without end: see the event `state`.
 */
export function connect(options?: Options): Promise<Game>

/**
 * - `connecting`: joined, and nothing has been seen yet
 * - `open`: frames arrive
 * - `retrying`: the connection broke; what was seen stays, what is sent waits
 * - `closed`: for good
 */
export type State = 'connecting' | 'open' | 'retrying' | 'closed'

/**
 * Why the state is what it is. Of `open`: `joined` (all buttons are up and events count anew) or `resumed`.
 * Of `closed`: `closed` (by this page), a code that the server ended the session with, or that of the
 * error it refused a request with.
 */
export type Reason =
  | 'joined'
  | 'resumed'
  | 'network'
  | 'silence'
  | 'late'
  | 'bad_frame'
  | 'gone'
  | 'shutdown'
  | 'rotate'
  | 'closed'
  | 'superseded'
  | 'kicked'
  | 'full'
  | 'error'
  | (string & {})

export interface StateChange {
  readonly state: State
  readonly reason: Reason
}

export interface Closed {
  readonly reason: Reason
  /** The last thing that went wrong, if anything did. */
  readonly error: HTTPMPError | null
}

/** The client's own events. All other names are the game's. */
export interface OwnEvents {
  /** A frame was applied to the world. Arrival is on the clock of `performance.now()`. */
  frame: [change: Change, arrival: number]
  state: [change: StateChange]
  /** Something was refused, dropped, or ended the session. Nothing needs to be done about it. */
  error: [error: HTTPMPError]
}

/** The payloads of the events that the built-in page shows. */
export interface KnownEvents {
  say: string
  chat: { readonly from: string; readonly text: string }
  sound: { readonly tone: number } | { readonly url: string }
}

/** One joined game. Everything that sends does so at once or as soon as it can, in order, and exactly once. */
export interface Game {
  readonly state: State
  /** How frames come now. */
  readonly mode: 'stream' | 'poll'
  /** The client's number in the match, from 1. Another one after the server had to be joined again. */
  readonly id: number
  /** Frames per second of the match. */
  readonly fps: number
  readonly world: World
  /** From an event to the frame that holds it, smoothed; null while unknown. */
  readonly latency: number | null
  /** Done when the state is `closed`. Never rejects. */
  readonly closed: Promise<Closed>

  /** Calls fn at each event of a type until the function that it returns is called. */
  on<T extends keyof OwnEvents>(type: T, fn: (...args: OwnEvents[T]) => void): () => void
  on<T extends keyof KnownEvents>(type: T, fn: (payload: KnownEvents[T]) => void): () => void
  on<T = unknown>(type: string, fn: (payload: T) => void): () => void

  /**
   * Sends an event of the game's own. Throws a RangeError for a type that is not 1 to 32 of `a-z 0-9 _ . -`
   * or is built in, and for a payload of more than 2048 bytes as JSON.
   */
  send(type: string, payload: unknown): void
  /** A button goes down, by name: `KeyboardEvent.code`, `Pointer0` to `Pointer4`, `Pad0.Button0` to `Pad3.Button16`. False: there is none of that name. */
  press(button: string): boolean
  release(button: string): boolean
  /** Where the pointer is. Only the latest place is sent, once a frame. */
  pointer(x: number, y: number): void
  wheel(dx: number, dy: number): void
  /** A touch, by a number from 0 to 15. Of moves only the latest is sent, once a frame. */
  touch(phase: 'start' | 'move' | 'end' | 'cancel', id: number, x: number, y: number): void
  /** An axis, `Pad0.Axis0` to `Pad3.Axis15`, from -1 to 1. */
  axis(name: string, value: number): void
  /** A line of text: what is over 256 bytes is cut off. */
  text(s: string): void
  /** All buttons are up. */
  blur(): void
  /** Leaves the game. Nothing happens after it. */
  close(): void
}

/** What went wrong between this page and its server. */
export class HTTPMPError extends Error {
  constructor(status: number, code: string, message: string, retry?: number, detail?: Readonly<Record<string, unknown>>)
  readonly name: string
  /** HTTP status; 0: there was no answer, or it came in the stream. */
  readonly status: number
  /** One of docs/protocol.md, or `network`, `http` (an answer that is not the server's), `bad_answer`, `overflow`. */
  readonly code: string
  /** After which asking again can help; 0: the server does not say. */
  readonly retry: number
  /** The error as the server sent it. */
  readonly detail: Readonly<Record<string, unknown>>
}

/** A frame that cannot be applied. */
export class BadFrame extends Error {
  readonly name: string
}

/** What this client sees: always one whole frame of it. The same object for the life of a Game. */
export class World {
  constructor(schema: Schema)
  readonly schema: Schema
  /** Number of the frame; 0: none yet. */
  readonly frame: number
  /** The run of the match that frame numbers and ids belong to. */
  epoch: number
  /** The last event of this client that is in the frame. */
  readonly ack: number
  /** By id, in the order they came. */
  readonly sprites: ReadonlyMap<number, Sprite>
  readonly stage: Stage | null
  /** The Game's own fields by name. It has no prototype. */
  readonly game: Readonly<Record<string, unknown>>
  readonly me: Me
  /** Applies the body of a frame record, whole or, where it throws BadFrame, not at all. */
  apply(body: Uint8Array): Change
  /** Goes over to another run of the match, from its first frame on. */
  reset(epoch: number, schema?: Schema): void
  /** Makes anything but a key frame next a BadFrame. */
  expectKey(): void
}

/** One thing in the world. The same object for as long as its id is there. */
export interface Sprite {
  readonly id: number
  readonly class: string
  /** The centre; absent where the class has no `pos`. */
  readonly x?: number
  readonly y?: number
  /** All other fields by name, private ones included: angles in radians, `vel` as [x, y]. It has no prototype that could be seen. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly look: Look | null
}

/** What one frame changed. It and its arrays are used again for the next one. */
export interface Change {
  /** Number of the frame. */
  readonly n: number
  /** Everything was sent anew. */
  readonly key: boolean
  readonly ack: number
  /** How early the tightest event was; negative: late. 0 if there was none. */
  readonly slack: number
  /** Events were lost. */
  readonly evgap: boolean
  readonly added: readonly Sprite[]
  readonly removed: readonly Sprite[]
  /** Those whose place was sent. */
  readonly moved: readonly Sprite[]
  /** Those of which anything else was sent. */
  readonly updated: readonly Sprite[]
  /** In the order sent, everybody's before this client's own. */
  readonly events: readonly (readonly [type: string, payload: unknown])[]
  readonly gameChanged: boolean
  readonly stageChanged: boolean
  readonly meChanged: boolean
}

export interface Stage {
  readonly w: number
  readonly h: number
  readonly color?: string
  readonly title?: string
  readonly image?: string
}

/** What is this client's alone. */
export interface Me {
  /** The ids of its sprites. */
  readonly own: readonly number[]
  /** The id of the sprite to follow, or a place. */
  readonly camera: number | readonly [x: number, y: number] | null
  /** The size of what is shown. */
  readonly view: readonly [w: number, h: number] | null
}

interface Paint {
  readonly fill?: string
  readonly stroke?: string
  readonly width?: number
  readonly caption?: string
  readonly z?: number
}

/** What a sprite looks like, centred on its place. An unknown shape is not drawn. */
export type Look = Paint &
  (
    | { readonly rect: readonly [w: number, h: number] }
    | { readonly circle: number }
    | { readonly poly: readonly number[] }
    | { readonly line: readonly [x1: number, y1: number, x2: number, y2: number] }
    | { readonly text: string; readonly size?: number }
    | { readonly emoji: string; readonly size?: number }
    | { readonly image: string; readonly w: number; readonly h: number }
    | { readonly sheet: string; readonly w: number; readonly h: number; readonly cell?: number }
    | { readonly group: readonly Look[] }
  )

/** The classes of a match, as join answers with them. */
export interface Schema {
  readonly hash: string
  readonly classes: readonly {
    readonly name: string
    readonly fields: readonly (readonly [name: string, type: string, quantum?: number])[]
  }[]
}
