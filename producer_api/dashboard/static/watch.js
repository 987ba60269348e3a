// Watches any number of tasks: 100 of those that have not ended over one stream, those that run before those that wait;
// the others are looked at now and then, so that each that begins comes into the stream.

import { ApiError } from "./api.js";
import { delay } from "./delay.js";
import { follow, isFinal } from "./follow.js";

const MOST_FOLLOWED = 100;
const MOST_LOOKED_AT = 500;
const LOOK_MS = 2_000;

/** A task as it is watched. `text` is the answer so far; `textRound` changes when it does not go on but starts anew. */
export function newEntry(taskId) {
  return { taskId, task: { status: "queued", progress: 0, attempts: 0 }, text: "", textRound: 0, isFresh: true };
}

/**
 * `onChange(entry)` is called for every move, and `onState(state, error)` as of `follow`.
 *
 * Returns {add(entries), take(task), unfinished()}: `take` is told of a task that was learnt of otherwise.
 */
export function createWatch({ api, onChange, onState = () => {}, signal }) {
  const entries = new Map();
  let most = MOST_FOLLOWED;
  let mostLookedAt = MOST_LOOKED_AT;
  let isLooking = false;
  let followed = new Set();
  let stream = new AbortController();

  const unfinished = () => [...entries.values()].filter((entry) => !isFinal(entry.task.status));

  function onEvent(name, told) {
    const entry = entries.get(told.task_id);
    if (!entry) return;
    takeText(entry, name, told);
    const { delta, reset, ...task } = told;
    entry.task = { ...entry.task, ...task };
    onChange(entry);
    if (isFinal(told.status)) {
      followed.delete(told.task_id);
      refill();
    }
  }

  function refill() {
    // Not at every end: each new stream tells again how all of its tasks stand.
    if (followed.size > most / 2) return;
    const waiting = unfinished();
    if (waiting.length > followed.size) reopen(waiting);
  }

  async function reopen(waiting) {
    stream.abort();
    if (!waiting.length) return;
    stream = new AbortController();
    const chosen = [...waiting.filter(isRunning), ...waiting.filter((entry) => !isRunning(entry))].slice(0, most);
    for (const entry of chosen) entry.isFresh = true;
    followed = new Set(chosen.map((entry) => entry.taskId));
    const of = AbortSignal.any([signal, stream.signal]);
    lookAtOthers();
    await follow(api, [...followed], {
      onEvent,
      onState(state, error) {
        // The API may hold fewer in a stream than we think.
        if (error?.code === "limit_exceeded" && most > 1) {
          most = Math.floor(most / 2);
          queueMicrotask(() => reopen(unfinished()));
        } else onState(state, error);
      },
      signal: of,
    });
  }

  /** While there are tasks that no stream holds: how they stand, the first of them. */
  async function lookAtOthers() {
    if (isLooking) return;
    isLooking = true;
    for (let others = unfollowed(); others.length && !signal.aborted; others = unfollowed()) {
      await delay(LOOK_MS, signal);
      if (signal.aborted || document.hidden) continue;
      try {
        const ids = others.slice(0, mostLookedAt).map((entry) => entry.taskId);
        const { tasks } = await api.get("v1/tasks", { task_ids: ids.join(",") }, { signal });
        tasks.forEach(take);
        // Where all that are followed run, too, another choice would be no better.
        if (unfollowed().some(isRunning) && ![...followed].every((id) => isRunning(entries.get(id)))) reopen(unfinished());
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        // So many ids, or answers, may be more than the API gives at once.
        if (error.code === "limit_exceeded" && mostLookedAt > 1) mostLookedAt = Math.floor(mostLookedAt / 2);
        else onState("broken", error);
      }
    }
    isLooking = false;
  }

  const unfollowed = () => unfinished().filter((entry) => !followed.has(entry.taskId));

  function take(task) {
    const entry = entries.get(task.task_id);
    if (!entry || isFinal(entry.task.status)) return;
    takeText(entry, "status", task);
    entry.task = { ...entry.task, ...task };
    onChange(entry);
  }

  return {
    unfinished,
    take,
    add(more) {
      for (const entry of more) entries.set(entry.taskId, entry);
      reopen(unfinished());
    },
  };
}

function isRunning(entry) {
  return entry.task.status === "processing";
}

/** What a task's event says of its text. A stream that is new begins with all of the text that there is. */
export function takeText(entry, name, told) {
  if (name === "reset") restart(entry, "");
  else if (name === "delta" && entry.isFresh) restart(entry, told.delta);
  else if (name === "delta") entry.text += told.delta;
  if (told.status === "queued" && entry.text) restart(entry, "");
  if (typeof told.result === "string" && told.result !== entry.text) restart(entry, told.result);
  if (name !== "status") entry.isFresh = false;
}

function restart(entry, text) {
  entry.text = text;
  entry.textRound += 1;
}
