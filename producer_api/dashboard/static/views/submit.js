// Submit: prompts in, and each seen through to its answer.

import { ApiError } from "../api.js";
import { byFrame } from "../by_frame.js";
import { h, replace } from "../dom.js";
import { clock, count } from "../format.js";
import { pageHead } from "../parts/page.js";
import { emptyState, errorNote } from "../parts/states.js";
import { randomId } from "../random_id.js";
import { createWatch, newEntry } from "../watch.js";
import { submitForm } from "./submit/form.js";
import { runSection } from "./submit/run.js";

const MOST_CANCELLED = 1_000;
// What an address can sensibly hold, and one stream.
const MOST_SHARED = 100;
const TITLE_CHARACTERS = 400;

export const submitView = {
  title: "Submit",
  show(content, { api, query, state, setQuery, announce, notify, signal }) {
    const runs = [];
    const place = h("div", { class: "runs" });
    const trouble = h("div", {});
    let unsent = null;

    const draw = byFrame((entry) => entry.run.update(entry), signal);
    const total = byFrame((run) => run.total(), signal);
    const watch = createWatch({
      api,
      signal,
      onChange(entry) {
        draw(entry);
        total(entry.run);
      },
      onState(phase, error) {
        replace(trouble, (phase === "broken" || phase === "refused") && errorNote(error));
      },
    });

    async function cancel(entries) {
      try {
        for (let start = 0; start < entries.length; start += MOST_CANCELLED) {
          const ids = entries.slice(start, start + MOST_CANCELLED).map((entry) => entry.taskId);
          const { tasks } = await api.post("v1/tasks/cancel", { task_ids: ids }, { signal });
          tasks.forEach(watch.take);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        notify(error.message, "bad");
      }
    }

    async function send(body, prompts) {
      const text = JSON.stringify(body);
      // What is sent again after an error goes under the same key: it may have been accepted, and must not run twice.
      if (unsent?.text !== text) unsent = { text, key: randomId() };
      // Not given up when the view is left: nobody would know whether it was accepted.
      const { tasks } = await api.post("v1/tasks", body, { headers: { "idempotency-key": unsent.key } });
      unsent = null;
      if (signal.aborted) return;
      const items = tasks.map((task, index) => itemOf(task.task_id, prompts[index], task.error));
      begin(`${count(tasks.length, "prompt")} at ${clock(Date.now() / 1000)}`, items);
      share(items);
      announce(`${count(tasks.length, "prompt")} submitted.`);
    }

    /** So that the page can be loaded again, left and come back to, and shared: the prompts themselves stay here. */
    function share(items) {
      const known = items.filter((item) => item.entry).slice(0, MOST_SHARED);
      const titles = known.map((item) => item.title);
      setQuery({ task_ids: known.map((item) => item.entry.taskId).join(",") }, { state: { titles } });
    }

    function begin(title, items) {
      const run = runSection({ title, items, cancel, announce });
      if (!runs.length) replace(place);
      runs.unshift(run);
      place.prepend(run.element);
      const entries = items.filter((item) => item.entry).map((item) => item.entry);
      for (const entry of entries) entry.run = run;
      watch.add(entries);
    }

    content.classList.add("submit-view");
    content.append(
      pageHead({ title: "Submit prompts", lead: "Each prompt becomes a task: queued in Kafka, run by a worker, told as it is written." }),
      h("div", { class: "submit-columns" }, submitForm({ api, send, signal }), h("div", { class: "runs-column" }, trouble, place)),
    );
    const shared = (query.task_ids ?? "").split(",").filter(Boolean).slice(0, MOST_SHARED);
    if (shared.length) {
      const title = count(shared.length, "prompt");
      begin(title, shared.map((id, index) => itemOf(id, state?.titles?.[index] ?? null)));
    } else {
      const text = "Write some prompts, one a line. They are shown here while they run.";
      place.append(emptyState({ title: "Nothing submitted here yet", text, sign: "submit" }));
    }
  },
};

function itemOf(taskId, prompt, error = null) {
  const title = prompt === null ? null : prompt.slice(0, TITLE_CHARACTERS);
  return taskId === null ? { title, error } : { title, entry: newEntry(taskId) };
}
