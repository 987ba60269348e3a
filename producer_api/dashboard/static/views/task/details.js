// What is known of a task, as facts.

import { h } from "../../dom.js";
import { clock, duration, instant, number } from "../../format.js";
import { facts, time } from "../../parts/page.js";
import { foldedJson } from "./chat.js";

/** The facts' element. */
export function taskFacts(task) {
  const usage = task.usage ?? {};
  const took = task.started_at && task.finished_at ? duration(task.finished_at - task.started_at) : null;
  const waited = task.started_at && task.created_at ? duration(task.started_at - task.created_at) : null;
  return h(
    "div",
    { class: "stack" },
    facts([
      ["Model", task.model],
      ["Lane", task.lane],
      ["Attempts", number(task.attempts)],
      ["Run", task.run > 1 ? number(task.run) : null],
      ["Worker", task.worker],
      ["Tenant", task.tenant],
      ["Created", at(task.created_at)],
      ["Last call began", at(task.started_at)],
      ["Ended", at(task.finished_at)],
      ["Expires", task.finished_at ? null : at(task.expires_at)],
      ["Next attempt", at(task.next_retry_at)],
      ["Waited", waited],
      ["Took", took],
      ["Prompt tokens", known(usage.prompt_tokens)],
      ["Answer tokens", known(usage.completion_tokens) ?? known(task.tokens)],
      ["Failed attempts", task.failures > 0 ? number(task.failures) : null],
      ["Workers lost", task.crashes > 0 ? number(task.crashes) : null],
    ]),
    task.metadata && Object.keys(task.metadata).length > 0 && h("div", {}, h("h3", {}, "Metadata"), facts(Object.entries(task.metadata).map(([name, value]) => [name, String(value)]))),
    task.usage && foldedJson("Usage as the model said", task.usage),
  );
}

function at(seconds) {
  return seconds ? time(seconds, clock(seconds), instant(seconds)) : null;
}

function known(value) {
  return typeof value === "number" ? number(value) : null;
}
