// How the service is: what it does now, and each minute of the last hour.

import { createChart } from "../charts/chart.js";
import { h, replace } from "../dom.js";
import { compact, count, duration, number } from "../format.js";
import { liveContent } from "../parts/live.js";
import { meter } from "../parts/meter.js";
import { pageHead } from "../parts/page.js";
import { note } from "../parts/states.js";
import { tile } from "../parts/tile.js";
import { href } from "../router.js";
import { chartData, warningsOf } from "./overview_data.js";

export const overviewView = {
  title: "Overview",
  show(root, context) {
    const { element, sign } = liveContent(context, "overview", { build, title: "The overview cannot be shown" });
    root.append(pageHead({ title: "Overview", lead: "What the service does now, and the last hour minute by minute." }, sign), element);
  },
};

function build() {
  const warnings = h("div", { class: "stack" });
  const now = nowTiles();
  const hour = hourTiles();
  const charts = hourCharts();
  const element = h(
    "div",
    { class: "stack" },
    warnings,
    h("section", { "aria-labelledby": "now" }, h("h2", { id: "now" }, "Now"), now.element),
    h("section", { "aria-labelledby": "hour" }, h("h2", { id: "hour" }, "The last hour"), hour.element, charts.element),
  );
  let warned = null;
  return {
    element,
    update(view) {
      const texts = warningsOf(view.workers);
      // What stays as it is is not read out again.
      if (JSON.stringify(texts) !== warned) {
        warned = JSON.stringify(texts);
        const to = h("a", { href: href("/workers") }, "See the workers");
        replace(warnings, texts.map((text) => note("warn", h("p", {}, text, " ", to.cloneNode(true)))));
      }
      for (const part of [now, hour, charts]) part.update(view);
    },
    close: () => charts.close(),
  };
}

function nowTiles() {
  const slots = meter({ label: "Calls in flight", words: (value, most) => `of ${count(most, "slot")}` });
  const inFlight = tile("Calls in flight");
  const interactive = tile("Backlog, interactive", { to: href("/topics") });
  const batch = tile("Backlog, batch", { to: href("/topics") });
  const workers = tile("Workers", { to: href("/workers") });
  const ready = tile("Read and ready");
  const tiles = [inFlight, interactive, batch, ready, workers];
  return {
    element: h("dl", { class: "tiles" }, tiles.map((one) => one.element)),
    update({ workers: all, backlog }) {
      slots.set(all.in_flight, all.slots);
      inFlight.set(number(all.in_flight), slots.element);
      const unfinished = backlog ? "unfinished records" : "Kafka does not say just now";
      interactive.set(number(backlog?.interactive), unfinished);
      batch.set(number(backlog?.batch), unfinished);
      ready.set(number(all.buffered), `${number(all.waiting)} wait for another attempt`);
      const states = `${number(all.working)} working, ${number(all.hindered)} hindered, ${number(all.silent)} silent`;
      workers.set(number(all.working + all.hindered + all.silent), states, all.hindered || all.silent ? "warn" : "plain");
    },
  };
}

function hourTiles() {
  const accepted = tile("Accepted");
  const completed = tile("Completed", { to: href("/tasks", { status: "completed" }) });
  const failed = tile("Failed", { to: href("/tasks", { status: "failed" }) });
  const calls = tile("Call, median");
  const waits = tile("Wait, median");
  const tokens = tile("Tokens");
  const tiles = [accepted, completed, failed, calls, waits, tokens];
  return {
    element: h("dl", { class: "tiles" }, tiles.map((one) => one.element)),
    update({ window }) {
      const { tasks, call_seconds: called, wait_seconds: waited } = window;
      accepted.set(compact(window.accepted), "prompts");
      completed.set(compact(tasks.completed), "tasks");
      const others = `${compact(tasks.cancelled)} cancelled, ${compact(tasks.expired)} expired`;
      failed.set(compact(tasks.failed), others, tasks.failed ? "bad" : "plain");
      calls.set(duration(called.p50), higher(called));
      waits.set(duration(waited.p50), higher(waited));
      tokens.set(compact(window.tokens.output), `written; ${compact(window.tokens.input)} read`);
    },
  };
}

function higher({ p90, p99 }) {
  return `p90 ${duration(p90)}, p99 ${duration(p99)}`;
}

function percentiles(time) {
  const looks = { p50: "first", p90: "second", p99: "third" };
  return Object.entries(looks).map(([label, look]) => ({ key: `${time}_${label}`, label, look, line: true }));
}

function hourCharts() {
  const throughput = createChart({
    title: "Throughput",
    hint: "Tasks ended by workers, and prompts accepted, each minute",
    series: [
      { key: "completed", label: "completed", look: "good" },
      { key: "failed", label: "failed", look: "bad" },
      { key: "cancelled", label: "cancelled", look: "muted" },
      { key: "expired", label: "expired", look: "warn" },
      { key: "accepted", label: "accepted", look: "accent", line: true },
    ],
    format: compact,
    whole: true,
  });
  const latency = createChart({
    title: "Latency of calls",
    hint: "Of the model, whatever their end",
    series: percentiles("call"),
    format: duration,
    empty: "No call in this hour.",
  });
  const waits = createChart({
    title: "Wait for the first attempt",
    hint: "From a prompt’s acceptance to its first call",
    series: percentiles("wait"),
    format: duration,
  });
  const errors = createChart({
    title: "Errors by kind",
    hint: "Calls of the model that did not answer",
    series: [],
    format: compact,
    whole: true,
    empty: "No error in this hour.",
  });
  const tokens = createChart({
    title: "Tokens",
    hint: "As the model counts them, each minute",
    series: [
      { key: "output", label: "written", look: "first" },
      { key: "input", label: "read", look: "second" },
    ],
    format: compact,
    whole: true,
  });
  const charts = [throughput, latency, errors, waits, tokens];
  return {
    element: h("div", { class: "charts" }, charts.map((chart) => chart.element)),
    update({ minutes }) {
      const { points, errorSeries } = chartData(minutes);
      for (const chart of charts) chart.show(points, chart === errors ? errorSeries : undefined);
    },
    close() {
      for (const chart of charts) chart.close();
    },
  };
}
