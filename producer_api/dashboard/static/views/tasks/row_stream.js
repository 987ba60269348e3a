// One stream for the tasks of a list that can still move.

import { follow, isFinal } from "../../follow.js";

const MOST_FOLLOWED = 100;

/** `onTask(task)` is told how one stands. `follow(rows)` says which are in the list now. */
export function createRowStream({ api, onTask, signal }) {
  let stream = new AbortController();
  let followed = new Set();

  return {
    follow(rows) {
      const ids = rows.filter((row) => !isFinal(row.status)).map((row) => row.task_id).slice(0, MOST_FOLLOWED);
      // A stream of more than is asked for does no harm: a new one begins with how each of its tasks stands.
      if (ids.every((id) => followed.has(id)) && (ids.length || !followed.size)) return;
      stream.abort();
      stream = new AbortController();
      followed = new Set(ids);
      if (!ids.length) return;
      follow(api, ids, {
        onEvent(name, { delta, reset, ...task }) {
          // One that has ended may run again, and then needs another stream.
          if (isFinal(task.status)) followed.delete(task.task_id);
          onTask(task);
        },
        signal: AbortSignal.any([signal, stream.signal]),
      });
    },
  };
}
