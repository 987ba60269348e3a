// Task: what it is, what happened to it, what came of it.

import { ApiError } from "../api.js";
import { byFrame } from "../by_frame.js";
import { curlOfGet } from "../curl.js";
import { h, replace } from "../dom.js";
import { follow, isFinal } from "../follow.js";
import { answerText } from "../parts/answer.js";
import { copyButton } from "../parts/copy.js";
import { confirmed } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { card, pageHead } from "../parts/page.js";
import { progressBar } from "../parts/progress.js";
import { emptyState, errorNote, errorState, loadingState } from "../parts/states.js";
import { statusBadge } from "../parts/status.js";
import { href } from "../router.js";
import { canRetry, cancelledInWords, cancelTasks, retriedInWords, retryTasks } from "../task_actions.js";
import { newEntry, takeText } from "../watch.js";
import { taskFacts } from "./task/details.js";
import { errorOf, extrasOf } from "./task/outcome.js";
import { promptCard } from "./task/prompt.js";
import { readTask } from "./task/story.js";
import { timelineList } from "./task/timeline.js";

export const taskView = {
  title: "Task",
  show(content, { api, operator, params, announce, notify, signal }) {
    const taskId = params.id;
    const entry = newEntry(taskId);
    const badge = statusBadge("queued");
    const bar = progressBar({ label: "Progress" });
    const answer = answerText({ label: "Answer" });
    const cancel = h("button", { type: "button", class: "button button-danger", hidden: true, on: { click: () => act(askToCancel) } }, icon("stop"), "Cancel");
    const retry = h("button", { type: "button", class: "button button-primary", hidden: true, on: { click: () => act(runAgain) } }, icon("retry"), "Retry");
    const ground = h("div", { class: "view-ground" }, loadingState());
    const places = { trouble: h("div", {}), extras: h("div", {}), error: h("div", {}), facts: h("div", {}), timeline: h("div", {}) };
    const prompt = promptCard({ api, operator, taskId, notify, signal });
    let refreshing = null;
    let isStale = false;
    let shownRecord = null;
    let isShown = false;

    const draw = byFrame(() => {
      const { status, progress } = entry.task;
      badge.set(status);
      bar.set(progress ?? 0, status);
      answer.show(entry.text, entry.textRound);
      answer.element.hidden = entry.text === "";
    }, signal);

    /** Reads everything that is known; where something moves meanwhile, once more. */
    function refresh() {
      isStale = true;
      refreshing ??= readWhileStale().finally(() => {
        refreshing = null;
      });
      return refreshing;
    }

    async function readWhileStale() {
      while (isStale && !signal.aborted) {
        isStale = false;
        await read();
      }
    }

    async function read() {
      try {
        show(await readTask(api, taskId, signal));
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        if (isShown) replace(places.trouble, errorNote(error));
        else replace(ground, error.code === "task_not_found" ? missing() : errorState(error, { title: "The task cannot be shown", onRetry: refresh }));
      }
    }

    function show(task) {
      replace(places.trouble);
      entry.task = { ...entry.task, ...task };
      if (isFinal(task.status)) takeText(entry, "status", task);
      cancel.hidden = isFinal(task.status);
      retry.hidden = !canRetry(task.status);
      replace(places.error, task.error && errorOf(task));
      replace(places.extras, extrasOf(task, entry.text));
      replace(places.facts, taskFacts(task));
      replace(places.timeline, task.timeline ? timelineList(task.timeline) : forOperators(task.refusal));
      if (!isShown) layOut(task);
      const record = JSON.stringify(task.record ?? null);
      // Another run has a record of its own.
      if (record !== shownRecord) prompt.load();
      shownRecord = record;
      draw(entry);
    }

    function layOut(task) {
      isShown = true;
      replace(
        ground,
        places.trouble,
        h("div", { class: "task-state" }, badge.element, bar.element),
        h(
          "div",
          { class: "task-columns" },
          h("div", { class: "stack" }, card({ title: "Answer" }, places.error, answer.element, places.extras), prompt.element),
          h("div", { class: "stack" }, card({ title: "Details" }, places.facts), card({ title: "Timeline" }, places.timeline)),
        ),
      );
      if (!isFinal(task.status)) watch();
    }

    function watch() {
      entry.isFresh = true;
      follow(api, [taskId], {
        signal,
        onEvent(name, told) {
          const { delta, reset, ...task } = told;
          const hasMoved = task.status !== entry.task.status || task.attempts !== entry.task.attempts;
          takeText(entry, name, told);
          entry.task = { ...entry.task, ...task };
          draw(entry);
          if (hasMoved) announce(`The task is ${task.status}.`);
          if (hasMoved || isFinal(task.status)) refresh();
        },
        onState(phase, error) {
          replace(places.trouble, (phase === "broken" || phase === "refused") && errorNote(error));
        },
      });
    }

    async function askToCancel() {
      const text = "If it is queued it never starts; a call under way is closed. Its answer is lost.";
      if (!(await confirmed({ title: "Cancel this task?", text, action: "Cancel it", keep: "Leave it", isDanger: true }))) return;
      notify(cancelledInWords(await cancelTasks(api, [taskId], signal)));
      refresh();
    }

    async function runAgain() {
      operator.askAgain();
      const outcomes = await retryTasks(api, [taskId], signal);
      const isStarted = ["started", "again", "unfinished", "moved"].includes(outcomes[0].status);
      notify(retriedInWords(outcomes), isStarted ? "good" : "bad");
      await refresh();
      if (isStarted && !isFinal(entry.task.status)) watch();
    }

    async function act(doIt) {
      cancel.disabled = retry.disabled = true;
      try {
        await doIt();
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        notify(error.message, "bad");
      } finally {
        cancel.disabled = retry.disabled = false;
      }
    }

    function forOperators(refusal) {
      const onRetry = () => {
        operator.askAgain();
        refresh();
      };
      return errorState(refusal, { title: "Operators see the timeline", onRetry });
    }

    content.append(
      h("p", { class: "crumbs" }, h("a", { href: href("/tasks") }, icon("left"), "Tasks")),
      pageHead(
        { title: "Task", lead: h("code", { class: "task-id" }, taskId) },
        copyButton("Copy as curl", () => curlOfGet(api.url(`v1/tasks/${encodeURIComponent(taskId)}`)), { notify }),
        retry,
        cancel,
      ),
      ground,
    );
    refresh();
  },
};

function missing() {
  const list = h("a", { class: "button", href: href("/tasks") }, "All tasks");
  return emptyState({ title: "There is no such task", text: "It was deleted, has passed its time in the store, or its id is cut off.", sign: "search" }, list);
}
