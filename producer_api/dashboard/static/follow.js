// Follows tasks as they move, over one stream that outlives cuts: it goes on after the last event that was seen.

import { ApiError, isAbort } from "./api.js";
import { delay } from "./delay.js";
import { readEvents, untilLookedAt } from "./stream.js";

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
      let isOver = false;
      const onOpen = (response) => {
        isOver = response.status === 204;
        pause = FIRST_PAUSE_MS;
        if (!isOver) onState("open");
      };
      const query = { task_ids: taskIds.join(",") };
      const headers = seen.id ? { "last-event-id": seen.id } : {};
      seen.retry = await readEvents(api, "v1/tasks/events", { query, headers, signal, onOpen }, take);
      if (isOver || !unfinished.size) break;
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
