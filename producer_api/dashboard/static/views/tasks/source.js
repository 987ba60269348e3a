// Pages of tasks, from the API.

import { idsIn } from "./filters.js";

export const PAGE = 50;
// Of a rare kind one request finds few: it looks at 1,000 tasks and says where to go on.
const MOST_REQUESTS = 10;
const MOST_IDS = 100;

/**
 * A page of the tasks that a filter means, behind the id `after`: {tasks, next}. Where it takes several requests,
 * `onPart(tasks)` is given what there is so far.
 */
export async function readPage(api, filter, after, { onPart = () => {}, requests = MOST_REQUESTS, signal }) {
  if (filter.id) return byIds(api, idsIn(filter.id).slice(0, MOST_IDS), signal);
  const tasks = [];
  let next = after;
  for (let made = 0; made < requests && tasks.length < PAGE; made += 1) {
    const query = { status: filter.status, lane: filter.lane, model: filter.model, limit: PAGE - tasks.length, after: next };
    const page = await api.get("v1/tasks", query, { signal });
    tasks.push(...page.tasks);
    next = page.next;
    if (next === null) break;
    if (tasks.length < PAGE) onPart(tasks);
  }
  return { tasks, next };
}

async function byIds(api, ids, signal) {
  const { tasks } = await api.get("v1/tasks", { task_ids: ids.join(",") }, { signal });
  // The same id in two spellings is one task.
  const distinct = new Map(tasks.map((task) => [task.task_id, task]));
  return { tasks: [...distinct.values()], next: null };
}
