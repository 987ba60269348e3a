// Which tasks are selected, and what is done to them together.

import { ApiError } from "../../api.js";
import { h, setText } from "../../dom.js";
import { isFinal } from "../../follow.js";
import { count } from "../../format.js";
import { confirmed } from "../../parts/dialog.js";
import { icon } from "../../parts/icon.js";
import { canRetry, cancelledInWords, cancelTasks, retriedInWords, retryTasks } from "../../task_actions.js";

/**
 * `rows()` are the tasks that are shown, in their order; `onChange()` is called when another is selected, and
 * `onDone(tasks)` when something was done to tasks.
 *
 * Returns {element, has(id), select(id, isSelected, isRange), keep(ids), refresh()}.
 */
export function createSelection({ api, rows, onChange, onDone, notify, signal }) {
  const selected = new Set();
  let last = null;
  const all = h("input", { type: "checkbox", id: "select-all" });
  const amount = h("span", { class: "selection-amount", "aria-live": "polite" });
  const cancel = h("button", { type: "button", class: "button button-small button-danger", on: { click: cancelSelected } }, icon("stop"), "Cancel");
  const retry = h("button", { type: "button", class: "button button-small", on: { click: retrySelected } }, icon("retry"), "Retry");
  all.addEventListener("change", () => {
    for (const row of rows()) mark(row.task_id, all.checked);
    changed();
  });

  const chosen = (means) => rows().filter((row) => selected.has(row.task_id) && means(row.status)).map((row) => row.task_id);
  const mark = (id, isSelected) => (isSelected ? selected.add(id) : selected.delete(id));

  function changed() {
    refresh();
    onChange();
  }

  function refresh() {
    const [running, ended] = [chosen((status) => !isFinal(status)).length, chosen(canRetry).length];
    all.checked = selected.size > 0 && selected.size === rows().length;
    all.indeterminate = selected.size > 0 && !all.checked;
    all.disabled = rows().length === 0;
    setText(amount, selected.size ? `${count(selected.size, "task")} selected` : "");
    cancel.hidden = retry.hidden = selected.size === 0;
    cancel.disabled = running === 0;
    retry.disabled = ended === 0;
  }

  async function cancelSelected() {
    const ids = chosen((status) => !isFinal(status));
    const text = "Those that are queued never start, and calls under way are closed. Their answers are lost.";
    if (!(await confirmed({ title: `Cancel ${count(ids.length, "task")}?`, text, action: "Cancel them", keep: "Leave them", isDanger: true }))) return;
    await act(async () => {
      const tasks = await cancelTasks(api, ids, signal);
      onDone(tasks.filter((task) => task.status !== "not_found"));
      return cancelledInWords(tasks);
    });
  }

  async function retrySelected() {
    await act(async () => {
      const tasks = await retryTasks(api, chosen(canRetry), signal);
      onDone([]);
      return retriedInWords(tasks);
    });
  }

  async function act(doIt) {
    cancel.disabled = retry.disabled = true;
    try {
      const words = await doIt();
      selected.clear();
      notify(words, "good");
      changed();
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      notify(error.message, "bad");
      refresh();
    }
  }

  refresh();
  return {
    element: h(
      "div",
      { class: "selection-bar" },
      h("label", { class: "check" }, all, "All on this page"),
      amount,
      cancel,
      retry,
    ),
    has: (id) => selected.has(id),
    isEmpty: () => selected.size === 0,
    refresh,
    /** With the shift key all between this and the one before are meant. */
    select(id, isSelected, isRange) {
      const ids = rows().map((row) => row.task_id);
      const [from, to] = [isRange && last !== null ? ids.indexOf(last) : -1, ids.indexOf(id)];
      const range = from === -1 ? [id] : ids.slice(Math.min(from, to), Math.max(from, to) + 1);
      for (const one of range) mark(one, isSelected);
      last = id;
      changed();
    },
    /** Forgets those that are not shown any more. */
    keep(ids) {
      for (const id of selected) if (!ids.has(id)) selected.delete(id);
      refresh();
    },
  };
}
