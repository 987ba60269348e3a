// What came of a task, beside its answer's text.

import { h } from "../../dom.js";
import { isFinal } from "../../follow.js";
import { code } from "../../parts/page.js";
import { note } from "../../parts/states.js";
import { adviceFor } from "../../task_errors.js";
import { answerExtras, foldedJson } from "./chat.js";

/** Why a task failed, in the model's own words too, and what to do. */
export function errorOf({ error, response }) {
  const said = response?.body?.error?.message;
  return note(
    "bad",
    h("p", {}, error.message),
    typeof said === "string" && said !== error.message && h("blockquote", { class: "own-words" }, said),
    h("p", { class: "advice" }, adviceFor(error.code)),
    h("p", { class: "hint" }, "Code ", code(error.code)),
  );
}

/** What an answer holds besides `text`, and the answer whole. */
export function extrasOf(task, text) {
  const body = task.response?.body;
  const extras = answerExtras(body);
  const isEmptyAnswer = task.status === "completed" && typeof task.result !== "string" && !extras;
  return [
    extras,
    isEmptyAnswer && note("info", h("p", {}, "The answer has no text.")),
    !isFinal(task.status) && !text && h("p", { class: "hint" }, "Nothing yet."),
    task.response && foldedJson(`The whole answer, status ${task.response.status_code}`, body),
  ].filter(Boolean);
}
