// Asks again and again, one request at a time, and not while nobody looks.

import { isAbort } from "./api.js";
import { delay } from "./delay.js";

const LONGEST_PAUSE_MS = 30_000;

/**
 * Calls `ask(signal)` every `seconds`, first at once, until `signal` aborts; `onAnswer(answer)` or `onError(error)` gets
 * what came of it. After errors the pauses grow. Returns `now()`, which asks at once, out of turn.
 */
export function poll(ask, { seconds, onAnswer, onError, signal }) {
  let turn = new AbortController();

  async function run() {
    let pause = seconds * 1000;
    while (!signal.aborted) {
      turn = new AbortController();
      if (!document.hidden) {
        try {
          const answer = await ask(signal);
          if (signal.aborted) return;
          onAnswer(answer);
          pause = seconds * 1000;
        } catch (error) {
          if (signal.aborted || isAbort(error)) return;
          onError(error);
          pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        }
      }
      await delay(pause, AbortSignal.any([signal, turn.signal]));
    }
  }

  const now = () => turn.abort();
  document.addEventListener("visibilitychange", () => document.hidden || now(), { signal });
  run();
  return { now };
}
