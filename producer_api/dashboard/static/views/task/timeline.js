// What happened to a task, in its order.

import { h } from "../../dom.js";
import { clock, duration, instant } from "../../format.js";
import { time } from "../../parts/page.js";
import { badge } from "../../parts/status.js";

const TITLES = {
  accepted: "Accepted",
  retry_due: "Next attempt is due",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
  expired: "Expired",
};
const KINDS = { completed: "good", failed: "bad", expired: "warn", cancelled: "plain", worker_lost: "bad" };

/** `events` as the operators' route has them. */
export function timelineList(events) {
  return h("ol", { class: "timeline" }, events.map(eventOf));
}

function eventOf(event) {
  const at = time(event.at, clock(event.at, { withMilliseconds: true }), instant(event.at));
  const isAttempt = event.event === "attempt";
  const title = isAttempt ? attemptTitle(event) : (TITLES[event.event] ?? event.event.replaceAll("_", " "));
  return h(
    "li",
    { class: "timeline-event", data: { kind: isAttempt ? kindOf(event) : (KINDS[event.event] ?? "plain") } },
    h("div", { class: "timeline-head" }, h("span", { class: "timeline-title" }, title), isAttempt && outcome(event), at),
    isAttempt && where(event),
  );
}

function attemptTitle(event) {
  const title = event.attempt ? `Attempt ${event.attempt}` : "Attempt";
  return event.run > 1 ? `${title} of run ${event.run}` : title;
}

function kindOf(event) {
  if (event.outcome === null) return "processing";
  return KINDS[event.outcome] ?? "warn";
}

function outcome(event) {
  const text = event.outcome === null ? "under way" : event.outcome.replaceAll("_", " ");
  return badge(text, kindOf(event));
}

function where(event) {
  const took = event.ended_at ? duration(event.ended_at - event.at) : null;
  const place = event.offset === null || event.offset === undefined ? null : `${event.topic}, partition ${event.partition}, offset ${event.offset}`;
  return h(
    "dl",
    { class: "timeline-facts" },
    [
      ["Took", took],
      ["Worker", event.worker],
      ["Record", place],
    ]
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}
