// A chart of minutes: bars that stand on each other, lines, or both. One looks at a minute by pointer or by arrow keys, and
// the same numbers stand in a table below.

import { h, replace, svg } from "../dom.js";
import { createTable } from "../parts/table.js";
import { highest, linePath, stacks } from "./shapes.js";
import { linear, ticks, timeTicks } from "./scale.js";

const HEIGHT = 168;
const MARGIN = { top: 10, right: 8, bottom: 22, left: 46 };
const BAR_GAP = 1;
// Half of what a time of day takes, in pixels.
const MARK_HALF = 16;
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/**
 * `series`: [{key, label, look}], `look` names the colour (a class `look-…` of charts.css); with `line: true` it is a line.
 * `format` writes a value, `whole` says that there is nothing between two integers, `empty` what to say where all is
 * nothing. `show(points)` takes [{at, values, isOpen}], oldest first: `values` by key, null where nothing is known;
 * `isOpen` says that the minute is not over.
 */
export function createChart({ title, hint = "", series, format, whole = false, empty = "Nothing in this hour." }) {
  let shown = { points: [], series };
  let chosen = null;
  let width = 0;
  let tableOf = null;

  const picture = svg("svg", { class: "chart-picture", "aria-hidden": "true", focusable: "false" });
  const tooltip = h("div", { class: "chart-tooltip", hidden: true });
  const nothing = h("p", { class: "chart-nothing", hidden: true }, empty);
  const plot = h(
    "div",
    {
      class: "chart-plot",
      tabindex: "0",
      role: "slider",
      "aria-label": `${title}, minute`,
      "aria-valuemin": "0",
      "aria-valuemax": "0",
      "aria-valuenow": "0",
      "aria-valuetext": "nothing yet",
      style: { height: `${HEIGHT}px` },
      on: {
        pointermove: (event) => choose(indexAt(event)),
        pointerdown: (event) => choose(indexAt(event)),
        pointerleave: () => document.activeElement === plot || choose(null),
        focus: () => plot.matches(":focus-visible") && choose(chosen ?? shown.points.length - 1),
        blur: () => choose(null),
        keydown: onKey,
      },
    },
    picture,
    nothing,
    tooltip,
  );
  const legend = h("ul", { class: "chart-legend", "aria-label": `${title}, what is drawn` });
  const rows = h("div", {});
  const table = h("details", { class: "chart-table", on: { toggle: drawTable } }, h("summary", {}, "As a table"), rows);
  const element = h(
    "figure",
    { class: "card chart" },
    h("figcaption", { class: "chart-head" }, h("h3", {}, title), hint && h("p", { class: "chart-hint" }, hint)),
    legend,
    plot,
    table,
  );
  const sizes = new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    draw();
  });
  sizes.observe(plot);

  function show(points, drawn = series) {
    // The same series are the same object: a table is made anew for others only.
    shown = { points, series: JSON.stringify(drawn) === JSON.stringify(shown.series) ? shown.series : drawn };
    if (chosen !== null && chosen >= points.length) chosen = null;
    drawLegend();
    draw();
    drawTable();
  }

  function drawLegend() {
    const entries = shown.series.map(({ label, look, line }) =>
      h("li", {}, h("span", { class: `swatch look-${look}${line ? " is-line" : ""}` }), label),
    );
    if (legend.textContent !== shown.series.map(({ label }) => label).join("")) replace(legend, entries);
  }

  function draw() {
    if (!width || !shown.points.length) return;
    const { points } = shown;
    const stacked = shown.series.filter(({ line }) => !line);
    const lines = shown.series.filter(({ line }) => line);
    const keysOf = (some) => some.map(({ key }) => key);
    const most = highest(points, { stacked: keysOf(stacked), lines: keysOf(lines) });
    const marks = ticks(most, { whole });
    const y = linear(marks.at(-1), HEIGHT - MARGIN.bottom, MARGIN.top);
    const step = (width - MARGIN.left - MARGIN.right) / points.length;
    const left = (index) => MARGIN.left + index * step;
    const middle = (index) => left(index) + step / 2;
    picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    replace(
      picture,
      chosen !== null &&
        svg("rect", { class: "chart-chosen", x: left(chosen), y: MARGIN.top, width: step, height: y(0) - MARGIN.top }),
      marks.map((mark) => [
        svg("path", { class: mark ? "chart-grid" : "chart-base", d: `M${MARGIN.left} ${y(mark)}H${width - MARGIN.right}` }),
        svg("text", { class: "chart-mark is-y", x: MARGIN.left - 6, y: y(mark) + 4 }, format(mark)),
      ]),
      timeTicks(points.map(({ at }) => at), width).map(({ at, index }) =>
        svg("text", { class: "chart-mark is-x", x: Math.min(middle(index), width - MARK_HALF), y: HEIGHT - 6 }, timeOf(at)),
      ),
      stacks(points, keysOf(stacked)).map((bars, index) =>
        bars.map(({ key, from, to }) =>
          svg("rect", {
            class: `chart-bar look-${lookOf(key)}${points[index].isOpen ? " is-open" : ""}`,
            x: left(index) + BAR_GAP / 2,
            y: y(to),
            width: Math.max(1, step - BAR_GAP),
            height: Math.max(0, y(from) - y(to)),
          }),
        ),
      ),
      lines.map(({ key, look }) => svg("path", { class: `chart-line look-${look}`, d: linePath(points, key, middle, y) })),
    );
    nothing.hidden = most > 0;
    plot.setAttribute("aria-valuemax", points.length - 1);
    plot.setAttribute("aria-valuenow", chosen ?? points.length - 1);
    plot.setAttribute("aria-valuetext", inWords(points[chosen ?? points.length - 1]));
    drawTooltip(middle);
  }

  function lookOf(key) {
    return shown.series.find((one) => one.key === key).look;
  }

  function drawTooltip(middle) {
    tooltip.hidden = chosen === null;
    if (chosen === null) return;
    const point = shown.points[chosen];
    replace(
      tooltip,
      h("p", { class: "chart-when" }, minute(point)),
      h(
        "dl",
        {},
        shown.series.map(({ key, label, look, line }) => [
          h("dt", {}, h("span", { class: `swatch look-${look}${line ? " is-line" : ""}` }), label),
          h("dd", {}, format(point.values[key] ?? null)),
        ]),
      ),
    );
    const at = middle(chosen);
    const most = Math.max(0, width - tooltip.offsetWidth);
    const beside = at > width / 2 ? at - tooltip.offsetWidth - 14 : at + 14;
    tooltip.style.setProperty("left", `${Math.min(Math.max(0, beside), most)}px`);
  }

  function drawTable() {
    if (!table.open) return;
    if (tableOf?.series !== shown.series) {
      const columns = shown.series.map(({ key, label }) => ({
        title: label,
        isNumber: true,
        cell: ({ values }) => format(values[key] ?? null),
      }));
      const first = { title: "Minute", isMain: true, cell: minute };
      const made = createTable({ label: `${title}, by minute`, columns: [first, ...columns], key: ({ at }) => at });
      tableOf = { series: shown.series, update: made.update };
      replace(rows, made.element);
    }
    tableOf.update([...shown.points].reverse());
  }

  function choose(index) {
    if (index === chosen) return;
    chosen = index;
    draw();
  }

  function indexAt(event) {
    const { length } = shown.points;
    if (!length) return null;
    const step = (width - MARGIN.left - MARGIN.right) / length;
    const index = Math.floor((event.clientX - plot.getBoundingClientRect().left - MARGIN.left) / step);
    return Math.min(Math.max(0, index), length - 1);
  }

  function onKey(event) {
    const last = shown.points.length - 1;
    if (last < 0) return;
    const from = chosen ?? last;
    const to = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1, PageUp: from + 10 };
    Object.assign(to, { PageDown: from - 10, Home: 0, End: last });
    if (event.key === "Escape") choose(null);
    if (!(event.key in to)) return;
    event.preventDefault();
    choose(Math.min(Math.max(0, to[event.key]), last));
  }

  function inWords(point) {
    const values = shown.series.map(({ key, label }) => `${label} ${format(point.values[key] ?? null)}`);
    return `${minute(point)}: ${values.join(", ")}`;
  }

  drawLegend();
  return { element, show, close: () => sizes.disconnect() };
}

function minute(point) {
  return point.isOpen ? `${timeOf(point.at)}, so far` : timeOf(point.at);
}

function timeOf(at) {
  return MINUTE.format(new Date(at * 1000));
}
