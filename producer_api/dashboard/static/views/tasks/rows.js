// The list: a row for each task, kept while it changes.

import { h, setText } from "../../dom.js";
import { clock, duration, instant, number, shortId } from "../../format.js";
import { time } from "../../parts/page.js";
import { progressBar } from "../../parts/progress.js";
import { statusBadge } from "../../parts/status.js";
import { createTable } from "../../parts/table.js";
import { href } from "../../router.js";

/** `select(id, isSelected, isRange)` is told of check boxes; a row has `isSelected`. */
export function taskTable({ select }) {
  return createTable({
    label: "Tasks",
    key: (row) => row.task_id,
    columns: [
      { title: "Select", hasHiddenTitle: true, class: "select-cell", part: (row) => checkbox(row, select) },
      { title: "Task", cell: link, isMain: true },
      { title: "Status", part: status, class: "status-cell" },
      { title: "Progress", part: progress, class: "progress-cell" },
      { title: "Model", cell: (row) => row.model ?? "–", class: "model-cell" },
      { title: "Lane", cell: (row) => row.lane ?? "–" },
      { title: "Attempts", cell: (row) => number(row.attempts), isNumber: true },
      { title: "Created", cell: (row) => time(row.created_at, clock(row.created_at), instant(row.created_at)), isNumber: true },
      { title: "Took", cell: (row) => took(row), isNumber: true },
    ],
  });
}

function checkbox(row, select) {
  const input = h("input", { type: "checkbox", "aria-label": `Select task ${shortId(row.task_id)}` });
  input.addEventListener("click", (event) => select(row.task_id, input.checked, event.shiftKey));
  return {
    element: h("label", { class: "select-label" }, input),
    update(now) {
      input.checked = Boolean(now.isSelected);
    },
  };
}

function link(row) {
  return h("a", { class: "mono id-link", href: href(`/tasks/${row.task_id}`), title: row.task_id }, shortId(row.task_id));
}

function status(row) {
  const badge = statusBadge(row.status);
  return { element: badge.element, update: (now) => badge.set(now.status) };
}

function progress(row) {
  const bar = progressBar({ label: `Progress of task ${shortId(row.task_id)}` });
  const figure = h("span", { class: "progress-figure", "aria-hidden": "true" });
  return {
    element: h("div", { class: "progress-with-figure" }, bar.element, figure),
    update(now) {
      bar.set(now.progress ?? 0, now.status);
      setText(figure, `${now.progress ?? 0} %`);
    },
  };
}

/** From its first call to its end. */
function took(row) {
  return row.started_at && row.finished_at ? duration(row.finished_at - row.started_at) : "–";
}
