// One dead letter, whole: why, from where, and the original.

import { ApiError, isAbort } from "../api.js";
import { h, replace } from "../dom.js";
import { bytes, clock, instant, number } from "../format.js";
import { card, code, facts, pageHead, time } from "../parts/page.js";
import { headersOf, valueOf } from "../parts/record.js";
import { redrivePanel } from "../parts/redrive_panel.js";
import { errorState, loadingState, note } from "../parts/states.js";
import { href } from "../router.js";

export const deadLetterView = {
  title: "Dead letter",
  show(root, context) {
    const { id } = context.params;
    document.title = `Dead letter ${id} · Promptmill`;
    const panel = redrivePanel(context);
    const asked = { positions: [id] };
    const what = `letter ${id}`;
    const look = h("button", { type: "button", class: "button", on: { click: () => panel.start(what, asked, { isDryRun: true }) } }, "Look only");
    const redrive = h("button", { type: "button", class: "button button-primary", on: { click: () => panel.start(what, asked) } }, "Redrive");
    const actions = h("div", { class: "actions", hidden: true }, look, redrive);
    const back = h("a", { class: "button", href: href("/dead-letters") }, "All dead letters");
    const place = h("div", { class: "stack" }, loadingState("Reading from Kafka…"));
    root.append(pageHead({ title: `Dead letter ${id}` }, back, actions), panel.element, place);
    read(id, context, place, actions);
  },
};

async function read(id, context, place, actions) {
  const { api, operator, signal } = context;
  const again = () => {
    operator.askAgain();
    replace(place, loadingState("Reading from Kafka…"));
    read(id, context, place, actions);
  };
  try {
    const letter = await api.get(`v1/operator/dead-letters/${encodeURIComponent(id)}`, {}, { signal, exact: ["value"] });
    actions.hidden = false;
    replace(place, about(letter), original(letter));
  } catch (error) {
    if (isAbort(error)) return;
    if (!(error instanceof ApiError)) throw error;
    const onRetry = error.code === "dead_letter_not_found" ? null : again;
    replace(place, errorState(error, { title: "This letter cannot be shown", onRetry }));
  }
}

function about(letter) {
  const { source, task_id: taskId, failed_at: failedAt } = letter;
  return card(
    { title: "Why" },
    note("bad", h("p", {}, letter.reason ?? "No reason was given.")),
    facts([
      ["Code", letter.error_code && code(letter.error_code)],
      ["Task", taskId && h("a", { class: "mono", href: href(`/tasks/${taskId}`) }, taskId)],
      ["Run", number(letter.run)],
      ["Tenant", letter.tenant],
      ["Failed", time(failedAt, clock(failedAt), instant(failedAt))],
      ["Size", bytes(letter.size_bytes)],
      ["Came from", source && h("a", { href: href(`/topics/${source.topic}`, { partition: source.partition }) }, placeOf(source))],
    ]),
  );
}

function original(letter) {
  const title = letter.by_reference ? "Where the original stands" : "The original record";
  return card({ title }, headersOf(letter.headers), valueOf(letter));
}

function placeOf({ topic, partition, offset }) {
  return `${topic}, partition ${partition}, offset ${offset}`;
}
