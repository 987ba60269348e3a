// Dead letters by why they died. Pure.

import { isFinal } from "../follow.js";

/** [{id, errorCode, reason, count, first, last}], the most frequent first; times are of the first and last death. */
export function groupsOf(letters) {
  const groups = new Map();
  for (const { error_code: errorCode, reason, failed_at: at } of letters) {
    const id = groupId({ errorCode, reason });
    const group = groups.get(id) ?? { id, errorCode, reason, count: 0, first: at, last: at };
    group.count += 1;
    group.first = Math.min(group.first, at);
    group.last = Math.max(group.last, at);
    groups.set(id, group);
  }
  return [...groups.values()].sort((one, other) => other.count - one.count || one.id.localeCompare(other.id));
}

/** Letters that died for the same reason have the same. */
export function groupId({ errorCode, reason }) {
  return JSON.stringify([errorCode, reason]);
}

/** Which letters a group's redrive means, as the API takes it: those counted, up to where `before` had come. */
export function groupAsked({ errorCode, reason }, before) {
  return { group: { error_code: errorCode, reason }, before };
}

/** By task, its letter of the highest run: {id, run}. */
export function latestOf(letters) {
  const latest = new Map();
  for (const { id, task_id: taskId, run } of letters) {
    if (taskId !== null && run !== null && !(latest.get(taskId)?.run >= run)) latest.set(taskId, { id, run });
  }
  return latest;
}

const FATES = {
  completed: "has its answer",
  deleted: "deleted by its tenant",
  missing: "its original is gone",
  unreadable: "holds no task",
  too_large: "too large to run again",
};

/**
 * What became of a letter since, {text, letter}, where that is known: by its task's `latest` letter (see latestOf), by
 * `fate`, {status, run}, as a redrive from here said, or by how its task stood when it was read. Null of one that may
 * still be redriven.
 */
export function markOf({ id, run, now }, latest, fate) {
  if (latest && run !== null && latest.run > run && latest.id !== id) return { text: `run ${latest.run} died too:`, letter: latest.id };
  if (fate) return { text: wordsOf(fate, run), letter: null };
  if (!now || run === null || now.run <= run) return null;
  return { text: isFinal(now.status) ? `run ${now.run} ${now.status}` : `redriven as run ${now.run}`, letter: null };
}

function wordsOf(fate, run) {
  if (fate.status === "started" || fate.status === "again") return `redriven as run ${fate.run}`;
  if (fate.status === "moved") return fate.run > run ? `in run ${fate.run} by now` : "under way";
  return FATES[fate.status] ?? fate.status;
}
