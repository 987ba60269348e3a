// The workers, each as it said within the last seconds; one of them whole.

import { h, replace } from "../dom.js";
import { ago, compact, count, duration, instant, number } from "../format.js";
import { liveContent } from "../parts/live.js";
import { meter } from "../parts/meter.js";
import { card, facts, pageHead, time } from "../parts/page.js";
import { emptyState, note } from "../parts/states.js";
import { badge } from "../parts/status.js";
import { createTable } from "../parts/table.js";
import { href } from "../router.js";
import { lagOf, orderOf, stateWords } from "./workers_data.js";

const BADGES = { working: "good", hindered: "warn", silent: "bad" };

export const workersView = {
  title: "Workers",
  show(root, context) {
    const title = "The workers cannot be shown";
    const { element, sign } = liveContent(context, "workers", { build: () => build(context), title });
    const lead = "Each as it said within the last seconds. One that is stopped leaves at once, one that was killed after a minute.";
    root.append(pageHead({ title: "Workers", lead }, sign), element);
  },
};

function build(context) {
  let chosen = context.query.worker ?? null;
  let last = { workers: [] };
  const table = createTable({ label: "Workers", key: ({ worker }) => worker, columns: columns() });
  const list = h("div", {}, table.element);
  const nothing = emptyState({
    title: "No worker was heard of in the last minute",
    text: "Prompts are accepted all the same, and wait. Start a worker: python -m consumer.",
    sign: "workers",
  });
  const place = h("div", {});
  let detail = null;

  function update(view) {
    last = view;
    const workers = [...view.workers].sort(orderOf);
    table.update(workers);
    replace(list, workers.length ? table.element : nothing);
    showDetail(workers.find(({ worker }) => worker === chosen));
  }

  function showDetail(worker) {
    if (!chosen) {
      detail = null;
      replace(place);
      return;
    }
    if (!worker) {
      detail = null;
      replace(place, note("info", h("p", {}, "That worker was not heard of in the last minute: ", h("code", {}, chosen))));
      return;
    }
    if (detail?.worker !== chosen) {
      detail = { worker: chosen, ...workerDetail() };
      replace(place, detail.element);
    }
    detail.update(worker);
  }

  context.onQuery(({ worker = null }) => {
    chosen = worker;
    update(last);
    if (chosen) place.querySelector("h2")?.focus();
  });
  return { element: h("div", { class: "stack" }, card({}, list), place), update, close() {} };
}

function columns() {
  return [
    {
      title: "Worker",
      isMain: true,
      cell: ({ worker, host, version }) =>
        h(
          "div",
          { class: "two-lines" },
          h("a", { class: "nowrap", href: href("/workers", { worker }) }, worker),
          h("span", { class: "hint nowrap" }, `${host}, ${version}`),
        ),
    },
    {
      title: "State",
      cell: (worker) =>
        h(
          "div",
          { class: "two-lines" },
          h("span", {}, badge(worker.state, BADGES[worker.state])),
          stateWords(worker).map((words) => h("span", { class: "hint" }, words)),
        ),
    },
    {
      title: "In flight",
      part() {
        const slots = meter({ label: "Calls in flight", words: (value, most) => `${number(value)} of ${number(most)}` });
        return { element: slots.element, update: (worker) => slots.set(worker.in_flight, worker.concurrency) };
      },
    },
    { title: "Partitions", isNumber: true, cell: ({ partitions }) => number(partitions.length) },
    { title: "Lag", isNumber: true, cell: (worker) => number(lagOf(worker)) },
    { title: "Leases", isNumber: true, cell: ({ leases }) => number(leases) },
    { title: "Ready", isNumber: true, cell: ({ buffered }) => number(buffered) },
    { title: "Completed", isNumber: true, cell: ({ tasks }) => compact(tasks.completed) },
    { title: "Failed", isNumber: true, cell: ({ tasks }) => compact(tasks.failed) },
    { title: "Call, p50", isNumber: true, cell: ({ call_seconds: called }) => duration(called.p50) },
    { title: "Heard", isNumber: true, cell: ({ heartbeat_age_seconds: age }) => (age < 1 ? "now" : `${duration(age)} ago`) },
  ];
}

function workerDetail() {
  const heading = h("h2", { tabindex: "-1" });
  const about = h("div", {});
  const partitions = createTable({
    label: "Partitions of this worker",
    key: ({ topic, partition }) => `${topic} ${partition}`,
    columns: [
      { title: "Topic", isMain: true, cell: ({ topic }) => h("a", { href: href(`/topics/${topic}`) }, topic) },
      { title: "Partition", isNumber: true, cell: ({ partition }) => String(partition) },
      { title: "Finished up to", isNumber: true, cell: ({ committed }) => number(committed) },
      { title: "Reads next", isNumber: true, cell: ({ position }) => number(position) },
      { title: "End", isNumber: true, cell: ({ end }) => number(end) },
      { title: "Lag", isNumber: true, cell: ({ lag }) => number(lag) },
    ],
  });
  const close = h("a", { class: "button button-small", href: href("/workers") }, "Close");
  const element = h(
    "section",
    { class: "card stack" },
    h("div", { class: "card-head" }, heading, close),
    about,
    h("h3", {}, "Partitions"),
    partitions.element,
  );
  return {
    element,
    update(worker) {
      const { tasks, tokens, call_seconds: called, wait_seconds: waited } = worker;
      replace(heading, worker.worker);
      replace(
        about,
        facts([
          ["Host", worker.host],
          ["Version", worker.version],
          ["Started", time(worker.started_at, ago(worker.started_at), instant(worker.started_at))],
          ["Slots", `${number(worker.in_flight)} of ${number(worker.concurrency)} taken`],
          ["Leases", number(worker.leases)],
          ["Read and ready", number(worker.buffered)],
          ["Wait for another attempt", number(worker.waiting)],
          ["Widest window", count(worker.widest_window, "offset")],
          ["Brake", worker.brake_on ? "on: nearly every call fails" : "off"],
          ["Tasks", `${number(tasks.completed)} completed, ${number(tasks.failed)} failed`],
          ["Calls", `p50 ${duration(called.p50)}, p90 ${duration(called.p90)}, p99 ${duration(called.p99)}`],
          ["Wait for the first attempt", `p50 ${duration(waited.p50)}, p99 ${duration(waited.p99)}`],
          ["Tokens", `${compact(tokens.output)} written, ${compact(tokens.input)} read`],
          ["Retries", wordsOf(worker.retries)],
        ]),
      );
      partitions.update(worker.partitions);
    },
  };
}

function wordsOf(counts) {
  const words = Object.entries(counts).map(([cause, amount]) => `${number(amount)} ${cause.replaceAll("_", " ")}`);
  return words.join(", ") || "none";
}
