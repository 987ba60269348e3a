// The prompts of one submission, and how far they are together.

import { h, replace, setText } from "../../dom.js";
import { isFinal } from "../../follow.js";
import { count, number } from "../../format.js";
import { icon } from "../../parts/icon.js";
import { progressBar } from "../../parts/progress.js";
import { refusedCard, taskCard } from "./task_card.js";

const SHOWN_AT_ONCE = 50;
const STATUSES = ["processing", "queued", "completed", "failed", "cancelled", "expired", "not_found"];
const WORDS = { processing: "running", completed: "answered", not_found: "not found" };

/**
 * `items` are {title, entry} or {title, error}, in their order. `cancel(entries)` ends tasks.
 * Returns {element, update(entry), total()}: `total` counts anew.
 */
export function runSection({ title, items, cancel, announce }) {
  const entries = items.filter((item) => item.entry).map((item) => item.entry);
  const cards = new Map();
  const list = h("ol", { class: "task-cards" });
  const counts = h("p", { class: "run-counts" });
  const bar = progressBar({ label: "Progress of all prompts" });
  const stop = h("button", { type: "button", class: "button button-small button-danger" }, icon("stop"), "Cancel all");
  const more = h("button", { type: "button", class: "button", hidden: true });
  let shown = 0;
  let ended = 0;

  stop.addEventListener("click", async () => {
    stop.disabled = true;
    try {
      await cancel(entries.filter((entry) => !isFinal(entry.task.status)));
    } finally {
      stop.disabled = false;
    }
  });
  more.addEventListener("click", () => {
    const next = shown;
    showMore();
    list.children[next]?.querySelector("a, button")?.focus();
  });

  function showMore() {
    const next = items.slice(shown, shown + SHOWN_AT_ONCE);
    list.append(...next.map((item, index) => cardOf(item, shown + index + 1)));
    shown += next.length;
    more.hidden = shown >= items.length;
    setText(more, `Show ${count(Math.min(SHOWN_AT_ONCE, items.length - shown), "more prompt")}`);
  }

  function cardOf(item, ordinal) {
    if (item.error) return refusedCard({ number: ordinal, title: item.title, error: item.error });
    const card = taskCard({ number: ordinal, title: item.title, entry: item.entry, cancel: (entry) => cancel([entry]) });
    cards.set(item.entry, card);
    return card.element;
  }

  function total() {
    const byStatus = Object.groupBy(entries, (entry) => entry.task.status);
    const refused = items.length - entries.length;
    const many = (status) => (byStatus[status]?.length ?? 0) + (status === "failed" ? refused : 0);
    const parts = STATUSES.filter(many).map((status) => `${number(many(status))} ${WORDS[status] ?? status}`);
    setText(counts, parts.join(" · "));
    const finished = entries.filter((entry) => isFinal(entry.task.status)).length;
    const sum = entries.reduce((all, entry) => all + (isFinal(entry.task.status) ? 100 : (entry.task.progress ?? 0)), 0);
    bar.set(entries.length ? Math.round(sum / entries.length) : 100, finished === entries.length ? "completed" : "processing");
    stop.hidden = finished === entries.length;
    if (finished > ended) announce(`${number(finished + refused)} of ${count(items.length, "prompt")} ended: ${parts.join(", ")}.`);
    ended = finished;
  }

  showMore();
  total();
  return {
    element: h(
      "section",
      { class: "run" },
      h("div", { class: "run-head" }, h("h2", {}, title), counts, stop),
      bar.element,
      list,
      more,
    ),
    update(entry) {
      cards.get(entry)?.update(entry);
    },
    total,
  };
}
