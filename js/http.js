// Requests, and the one error that they end in.

/** What a server refused, or why it could not be asked. */
export class HTTPMPError extends Error {
  /** @readonly */
  name = 'HTTPMPError'

  /**
   * @param {number} status of the answer; 0: there was none
   * @param {string} code @param {string} message
   * @param {number} [retry] ms after which asking again can help; 0: it does not say
   * @param {Readonly<Record<string, unknown>>} [detail] the error as the server sent it
   */
  constructor(status, code, message, retry = 0, detail = {}) {
    super(message)
    this.status = status
    this.code = code
    this.retry = retry
    this.detail = detail
  }
}

/** Reads the error of an answer that is not 200. @param {Response} res */
export async function refusal(res) {
  let e
  try {
    e = JSON.parse(await res.text()).error
  } catch {
    // Not from our server: a proxy's page, or cut off.
  }
  const { code, msg, retry } = e ?? {}
  return new HTTPMPError(
    res.status,
    typeof code === 'string' ? code : 'http',
    typeof msg === 'string' ? msg : `HTTP status ${res.status}`,
    typeof retry === 'number' ? retry : Number(res.headers.get('Retry-After')) * 1000 || 0,
    e ?? {}
  )
}

/** @param {unknown} err */
export function asError(err) {
  return err instanceof HTTPMPError ? err : new HTTPMPError(0, 'network', String(err))
}

/**
 * POSTs, and returns the text of the answer. Whatever goes wrong is an HTTPMPError.
 * @param {typeof globalThis.fetch} fetch @param {URL} url @param {RequestInit} init
 * @param {AbortSignal} signal @param {number} ms after which it is given up
 */
export async function post(fetch, url, init, signal, ms) {
  const abort = new AbortController()
  const stop = () => abort.abort()
  const timer = setTimeout(stop, ms)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    const res = await fetch(url, { method: 'POST', cache: 'no-store', ...init, signal: abort.signal })
    if (!res.ok) throw await refusal(res)
    return { text: await res.text(), url: res.url }
  } catch (err) {
    throw asError(err)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/**
 * How long to wait before trying again: what the server asks for, and a random part that doubles from
 * 0.1 s to 4 s, so that the clients of a server that comes back do not come all at once.
 * @param {number} tries failed ones so far, from 1 @param {number} [retry] ms
 */
export function backoff(tries, retry = 0) {
  return retry + Math.random() * Math.min(4000, 100 * 2 ** (tries - 1))
}
