// Follows tasks as they move, over one stream that outlives cuts: it goes on after the last event that was seen.

import { ApiError, isAbort } from "./api.js";
import { delay } from "./delay.js";
import { createEventParser } from "./sse.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const FINAL = new Set(["completed", "failed", "cancelled", "expired", "not_found"]);

/** Whether a task with that status moves no more. */
export function isFinal(status) {
  return FINAL.has(status);
}

/**
 * Follows up to 100 tasks until each has ended, or `signal` aborts.
 *
 * `onEvent(name, data)` gets `status`, `delta` and `reset` as the API tells them. `onState(state, error)` gets "open",
 * "broken" (it will be tried again, or the page is not looked at) and in the end "done" or "refused".
 * Resolves when nothing more will come.
 */
export async function follow(api, taskIds, { onEvent, onState = () => {}, signal }) {
  const unfinished = new Set(taskIds);
  const seen = { id: null, retry: null };
  let pause = FIRST_PAUSE_MS;

  function take({ name, data, id }) {
    if (id) seen.id = id;
    const told = JSON.parse(data);
    if (name === "dropped") {
      if (told.reason !== "too_slow") throw new ApiError({ status: 200, code: told.reason, message: told.message });
      return;
    }
    if (isFinal(told.status)) unfinished.delete(told.task_id);
    onEvent(name, told);
  }

  while (unfinished.size && !signal.aborted) {
    await untilLookedAt(signal);
    try {
      const hasMore = await read(api, taskIds, seen, take, signal, () => {
        pause = FIRST_PAUSE_MS;
        onState("open");
      });
      if (!hasMore || !unfinished.size) break;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && !error.isPassing) {
        onState("refused", error);
        return;
      }
      if (!isAbort(error)) onState("broken", error);
    }
    await delay(Math.max(seen.retry ?? 0, pause), signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
  if (!signal.aborted) onState("done");
}

/** One connection, to its end; whether there is more to come. It is let go while nobody looks: browsers have few. */
async function read(api, taskIds, seen, take, signal, onOpen) {
  const one = new AbortController();
  const leave = () => document.hidden && one.abort();
  document.addEventListener("visibilitychange", leave);
  try {
    const response = await api.open("v1/tasks/events", {
      query: { task_ids: taskIds.join(",") },
      headers: { accept: "text/event-stream", ...(seen.id ? { "last-event-id": seen.id } : {}) },
      signal: AbortSignal.any([signal, one.signal]),
    });
    if (response.status === 204) return false;
    onOpen();
    const parser = createEventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      for (const event of parser.feed(part.value)) take(event);
      seen.retry = parser.retry;
    }
    return true;
  } finally {
    document.removeEventListener("visibilitychange", leave);
    one.abort();
  }
}

function untilLookedAt(signal) {
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
