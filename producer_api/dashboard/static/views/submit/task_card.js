// One prompt and what becomes of it.

import { h, replace, setText } from "../../dom.js";
import { isFinal } from "../../follow.js";
import { count, duration, shortId } from "../../format.js";
import { answerText } from "../../parts/answer.js";
import { icon } from "../../parts/icon.js";
import { progressBar } from "../../parts/progress.js";
import { note } from "../../parts/states.js";
import { statusBadge } from "../../parts/status.js";
import { href } from "../../router.js";
import { adviceFor } from "../../task_errors.js";

/** `title` is the prompt, or null where it is not known here. Returns {element, update(entry)}. */
export function taskCard({ number, title, entry, cancel }) {
  const name = `Prompt ${number}`;
  const badge = statusBadge(entry.task.status);
  const bar = progressBar({ label: `Progress of ${name.toLowerCase()}` });
  const answer = answerText({ label: `Answer to ${name.toLowerCase()}` });
  const figures = h("span", { class: "hint" });
  const trouble = h("div", {});
  const stop = h("button", { type: "button", class: "button button-quiet button-small", "aria-label": `Cancel ${name.toLowerCase()}` }, icon("stop"), "Cancel");
  const link = h("a", { class: "mono id-link", href: href(`/tasks/${entry.taskId}`), "aria-label": `${name}: task ${shortId(entry.taskId)}` }, shortId(entry.taskId));
  let shownError = null;

  stop.addEventListener("click", async () => {
    stop.disabled = true;
    try {
      await cancel(entry);
    } finally {
      stop.disabled = false;
    }
  });

  function update({ task, text, textRound }) {
    badge.set(task.status);
    bar.set(task.progress ?? 0, task.status);
    answer.show(text, textRound);
    answer.element.hidden = text === "";
    stop.hidden = isFinal(task.status);
    setText(figures, figuresOf(task));
    if (task.error !== shownError) {
      shownError = task.error;
      replace(trouble, task.error && errorOf(task.error));
    }
  }

  const element = h(
    "li",
    { class: "task-card" },
    h("div", { class: "task-card-head" }, h("p", { class: "task-card-title" }, h("span", { class: "ordinal" }, number), title ?? `Task ${shortId(entry.taskId)}`), badge.element),
    bar.element,
    answer.element,
    trouble,
    h("div", { class: "task-card-foot" }, link, figures, stop),
  );
  update(entry);
  return { element, update };
}

/** A prompt that was not taken. */
export function refusedCard({ number, title, error }) {
  return h(
    "li",
    { class: "task-card" },
    h("div", { class: "task-card-head" }, h("p", { class: "task-card-title" }, h("span", { class: "ordinal" }, number), title), statusBadge("failed").element),
    note("bad", h("p", {}, error.message)),
  );
}

function errorOf(error) {
  return note("bad", h("p", {}, error.message), h("p", { class: "hint" }, adviceFor(error.code)));
}

function figuresOf(task) {
  const tokens = task.usage?.completion_tokens;
  return [
    task.attempts > 1 ? count(task.attempts, "attempt") : null,
    task.finished_at && task.started_at ? duration(task.finished_at - task.started_at) : null,
    tokens ? count(tokens, "token") : null,
    task.status === "completed" && typeof task.result !== "string" ? "answered without text" : null,
  ]
    .filter(Boolean)
    .join(" · ");
}
