// Looks on at a view of the operators: over a stream where that gets through, else by asking again and again.

import { ApiError, isAbort } from "./api.js";
import { delay } from "./delay.js";
import { poll } from "./polling.js";
import { readEvents, untilLookedAt } from "./stream.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
// Of a view that comes every two seconds: something between us and the API keeps it back.
const SILENT_MS = 12_000;
const POLL_SECONDS = 5;

/**
 * Looks at "overview", "workers" or "topics" until `signal` aborts. `onView(view)` gets it whole, again and again.
 * `onState(state, error)` gets "live", "unavailable" (what it is read from is away), "broken" (the API is) and in the end
 * "refused"; all but the last mend themselves.
 */
export async function look(api, name, { onView, onState, signal }) {
  const path = `v1/operator/${name}`;
  let pause = FIRST_PAUSE_MS;

  function take(event) {
    const told = JSON.parse(event.data);
    if (event.name === name) {
      pause = FIRST_PAUSE_MS;
      onState("live");
      onView(told);
    } else if (event.name === "unavailable") {
      onState("unavailable", new ApiError({ status: 503, ...told.error }));
    }
  }

  while (!signal.aborted) {
    await untilLookedAt(signal);
    const silence = new Silence(signal);
    try {
      const told = { onOpen: silence.broken, onPart: silence.broken };
      await readEvents(api, `${path}/events`, { signal: silence.signal, ...told }, take);
    } catch (error) {
      if (signal.aborted) return;
      if (silence.isOver || error.code === "unknown_url") {
        ask(api, path, { onView, onState, signal });
        return;
      }
      if (error instanceof ApiError && !error.isPassing) {
        onState("refused", error);
        return;
      }
      if (!isAbort(error)) onState("broken", error);
    } finally {
      silence.end();
    }
    await delay(pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

/** The same by asking. */
function ask(api, path, { onView, onState, signal }) {
  poll((signal) => api.get(path, {}, { signal }), {
    seconds: POLL_SECONDS,
    signal,
    onAnswer(view) {
      onState("live");
      onView(view);
    },
    onError: (error) => onState(error.status === 503 ? "unavailable" : "broken", error),
  });
}

/** Gives a connection up on which nothing comes, once it is open; `broken()` says that something came. */
class Silence {
  #one = new AbortController();
  #timer;

  constructor(signal) {
    this.signal = AbortSignal.any([signal, this.#one.signal]);
    this.isOver = false;
    this.broken = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.isOver = !document.hidden;
        this.#one.abort();
      }, SILENT_MS);
    };
  }

  end() {
    clearTimeout(this.#timer);
  }
}
