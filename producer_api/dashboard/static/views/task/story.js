// Where the view of a task gets it from: the operators' route, or where that is refused what its tenant may see.

import { ApiError } from "../../api.js";

/** The task with its timeline; `timeline` is null, and `refusal` says why, for who is no operator. */
export async function readTask(api, taskId, signal) {
  const id = encodeURIComponent(taskId);
  try {
    return { refusal: null, ...(await api.get(`v1/operator/tasks/${id}`, {}, { signal, exact: ["response"] })) };
  } catch (error) {
    if (!(error instanceof ApiError) || !error.isOperatorsOnly) throw error;
    return { timeline: null, refusal: error, ...(await api.get(`v1/tasks/${id}`, {}, { signal, exact: ["response"] })) };
  }
}
