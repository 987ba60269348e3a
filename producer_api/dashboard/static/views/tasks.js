// Tasks: the newest first, page by page, as they move.

import { ApiError } from "../api.js";
import { byFrame } from "../by_frame.js";
import { h, replace, setText } from "../dom.js";
import { isFinal } from "../follow.js";
import { count } from "../format.js";
import { icon } from "../parts/icon.js";
import { pageHead } from "../parts/page.js";
import { errorNote, errorState, loadingState } from "../parts/states.js";
import { poll } from "../polling.js";
import { href } from "../router.js";
import { filterForm, filterOf, isEmpty } from "./tasks/filters.js";
import { nothing } from "./tasks/nothing.js";
import { createRowStream } from "./tasks/row_stream.js";
import { taskTable } from "./tasks/rows.js";
import { createSelection } from "./tasks/selection.js";
import { PAGE, readPage } from "./tasks/source.js";

const FRESH_SECONDS = 2;
// A filtered list costs a look at many tasks.
const FILTERED_SECONDS = 10;

export const tasksView = {
  title: "Tasks",
  show(content, { api, query, state, setQuery, onQuery, announce, notify, signal }) {
    let [filter, after, before] = placeOf(query, state);
    let rows = [];
    let next = null;
    let turn = new AbortController();
    let asking = null;

    const table = taskTable({ select: (...how) => selection.select(...how) });
    const selection = createSelection({ api, rows: () => rows, onChange: mark, onDone: done, notify, signal });
    const filters = filterForm({ onChange: (now) => goTo(now, "", [], false) });
    const trouble = h("div", { class: "trouble" });
    const ground = h("div", {});
    const news = h("button", { type: "button", class: "button button-small", hidden: true, on: { click: showNews } });
    const found = h("p", { class: "hint", role: "status" });
    const newer = h("button", { type: "button", class: "button", on: { click: goBack } }, icon("left"), "Newer");
    const older = h("button", { type: "button", class: "button", on: { click: goOn } }, "Older", icon("right"));
    const draw = byFrame(() => table.update(rows), signal);
    const stream = createRowStream({ api, onTask: take, signal });
    let held = null;

    /** Shows another page, or other tasks. */
    function goTo(nowFilter, nowAfter, nowBefore, isStep) {
      [filter, after, before] = [nowFilter, nowAfter, nowBefore];
      setQuery({ ...filter, after }, { isStep, state: { before } });
      load();
    }

    function goOn() {
      goTo(filter, next, [...before, after], true);
      scrollTo(0, 0);
    }

    function goBack() {
      // Who came by a shared address knows no way back but to the beginning.
      goTo(filter, before.at(-1) ?? "", before.slice(0, -1), true);
      scrollTo(0, 0);
    }

    function load() {
      turn.abort();
      turn = new AbortController();
      const ofTurn = AbortSignal.any([signal, turn.signal]);
      filters.set(filter);
      held = null;
      news.hidden = true;
      ground.setAttribute("aria-busy", "true");
      let isFirst = true;
      next = null;
      const seconds = isEmpty(filter) ? FRESH_SECONDS : FILTERED_SECONDS;
      asking = poll((asked) => readPage(api, filter, after, { onPart: (tasks) => isFirst && tasks.length && show(tasks), signal: asked }), {
        seconds,
        signal: ofTurn,
        onAnswer(page) {
          replace(trouble);
          next = page.next;
          if (isFirst || !mustHold(page.tasks)) show(page.tasks);
          else hold(page.tasks);
          if (isFirst) ground.removeAttribute("aria-busy");
          isFirst = false;
        },
        onError(error) {
          if (!(error instanceof ApiError)) throw error;
          ground.removeAttribute("aria-busy");
          if (isFirst) replace(ground, errorState(error, { title: "The tasks cannot be listed", onRetry: () => asking.now() }));
          else replace(trouble, errorNote(error));
        },
      });
    }

    /** Rows must not move away under somebody's hand. */
    function mustHold(tasks) {
      const known = new Set(rows.map((row) => row.task_id));
      const isNew = tasks.some((task) => !known.has(task.task_id));
      return isNew && (!selection.isEmpty() || table.element.matches(":hover") || table.element.contains(document.activeElement));
    }

    function hold(tasks) {
      held = tasks;
      const known = new Set(rows.map((row) => row.task_id));
      setText(news, `Show ${count(tasks.filter((task) => !known.has(task.task_id)).length, "new task")}`);
      news.hidden = false;
      // What is shown moves on all the same.
      const byId = new Map(tasks.map((task) => [task.task_id, task]));
      rows = rows.map((row) => newest(row, byId.get(row.task_id)));
      redraw();
    }

    function showNews() {
      show(held);
      // The button is gone, and a focus among the rows would hold back the next ones.
      selection.element.querySelector("input").focus();
    }

    function show(tasks) {
      held = null;
      news.hidden = true;
      const known = new Map(rows.map((row) => [row.task_id, row]));
      rows = tasks.map((task) => newest(known.get(task.task_id), task));
      selection.keep(new Set(rows.map((row) => row.task_id)));
      if (rows.length) {
        if (!ground.contains(table.element)) replace(ground, table.element);
      } else replace(ground, nothing(filter, after, next));
      newer.disabled = !after;
      older.disabled = !next;
      setText(found, rows.length < PAGE && next ? "Not all tasks were looked at: Older looks further." : "");
      redraw();
    }

    function mark() {
      rows = rows.map((row) => ({ ...row, isSelected: selection.has(row.task_id) }));
      draw(table);
    }

    function redraw() {
      selection.refresh();
      mark();
      stream.follow(rows);
    }

    function done(tasks) {
      for (const task of tasks) take(task);
      asking.now();
    }

    function take(task) {
      const index = rows.findIndex((row) => row.task_id === task.task_id);
      if (index === -1) return;
      const { result, error, usage, metadata, ...brief } = task;
      rows[index] = { ...rows[index], ...brief };
      draw(table);
      if (isFinal(task.status)) selection.refresh();
    }

    onQuery((nowQuery, nowState) => {
      [filter, after, before] = placeOf(nowQuery, nowState);
      load();
    });
    content.append(
      pageHead({ title: "Tasks", lead: "The newest first, as they move." }, h("a", { class: "button button-primary", href: href("/") }, icon("submit"), "Submit prompts")),
      h(
        "section",
        { class: "card list-card" },
        filters.element,
        h("div", { class: "list-bar" }, selection.element, news),
        trouble,
        ground,
        h("div", { class: "pager" }, newer, found, older),
      ),
    );
    replace(ground, loadingState());
    load();
    announce("Tasks, newest first.");
  },
};

function placeOf(query, state) {
  return [filterOf(query), query.after ?? "", state?.before ?? []];
}

/** A list may be older than the events that came while it was on its way: within its run no task goes back. */
function newest(row, task) {
  if (!row || !task) return task ?? row;
  // Each run has an end of its own.
  const isSameRun = task.expires_at === row.expires_at;
  const isBehind = task.attempts < row.attempts || (isFinal(row.status) && !isFinal(task.status));
  return isSameRun && isBehind ? row : { ...row, ...task };
}
