// A stream of events, read while somebody looks at the page.

import { createEventParser } from "./sse.js";

/**
 * One connection, to its end. `onOpen(response)` and, for whatever comes, `onPart()` are told; `take({name, data, id})` gets
 * each event. It is let go while nobody looks, as an aborted request: browsers have few. Returns what the stream asks
 * to be waited for before the next, in milliseconds or null.
 */
export async function readEvents(api, path, { query, headers, signal, onOpen = () => {}, onPart = () => {} }, take) {
  const one = new AbortController();
  const leave = () => document.hidden && one.abort();
  document.addEventListener("visibilitychange", leave);
  try {
    const response = await api.open(path, {
      query,
      headers: { accept: "text/event-stream", ...headers },
      signal: AbortSignal.any([signal, one.signal]),
    });
    onOpen(response);
    if (response.status === 204) return null;
    const parser = createEventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      onPart();
      for (const event of parser.feed(part.value)) take(event);
    }
    return parser.retry;
  } finally {
    document.removeEventListener("visibilitychange", leave);
    one.abort();
  }
}

/** Resolves when the page is looked at, or `signal` aborts. */
export function untilLookedAt(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look, { once: true });
  });
}
