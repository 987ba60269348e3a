// What can be done to tasks, and what became of them in a sentence.

import { count } from "./format.js";

const MOST_CANCELLED = 1_000;
const MOST_RETRIED = 100;

/** Whether a task that stands so can be run again. */
export function canRetry(status) {
  return status === "failed" || status === "expired" || status === "cancelled";
}

/** Ends tasks; how each stands then. */
export function cancelTasks(api, taskIds, signal) {
  return inParts(taskIds, MOST_CANCELLED, async (ids) => {
    const { tasks } = await api.post("v1/tasks/cancel", { task_ids: ids }, { signal });
    return tasks;
  });
}

/** Starts another run of each; what became of it: {task_id, run, status}. */
export function retryTasks(api, taskIds, signal) {
  return inParts(taskIds, MOST_RETRIED, async (ids) => {
    const { tasks } = await api.post("v1/operator/tasks/retry", { task_ids: ids }, { signal });
    return tasks;
  });
}

/** "3 tasks cancelled, 1 had completed." */
export function cancelledInWords(tasks) {
  return inWords(tasks, "cancelled", "cancelled", {
    completed: "had completed",
    failed: "had failed",
    expired: "had expired",
    not_found: "not found",
  });
}

/** "3 tasks started again, 1 is not finished." */
export function retriedInWords(tasks) {
  return inWords(tasks, "started", "started again", {
    again: "was started before and waits",
    moved: "is in another run",
    completed: "has its answer",
    deleted: "was deleted",
    unfinished: "has not ended",
    not_found: "not found",
    unreadable: "cannot be read",
    missing: "has no record in Kafka any more",
    too_large: "is too large",
  });
}

function inWords(tasks, done, doneWord, others) {
  const many = new Map();
  for (const task of tasks) many.set(task.status, (many.get(task.status) ?? 0) + 1);
  const parts = [`${count(many.get(done) ?? 0, "task")} ${doneWord}`];
  for (const [status, words] of Object.entries(others)) {
    if (many.has(status)) parts.push(`${many.get(status)} ${words}`);
  }
  return `${parts.join(", ")}.`;
}

async function inParts(taskIds, most, act) {
  const outcomes = [];
  for (let start = 0; start < taskIds.length; start += most) outcomes.push(...(await act(taskIds.slice(start, start + most))));
  return outcomes;
}
