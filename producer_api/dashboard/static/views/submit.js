// Submit: prompts in, one task each.

import { h, replace } from "../dom.js";
import { card, field, pageHead } from "../parts/page.js";
import { errorNote } from "../parts/states.js";

export const submitView = {
  title: "Submit",
  show(content, { api, signal }) {
    const text = h("textarea", { id: "prompts", rows: 8, required: true });
    const outcome = h("div", {});
    async function submit(event) {
      event.preventDefault();
      const prompts = text.value.split("\n").map((line) => line.trim()).filter(Boolean);
      try {
        const headers = { "idempotency-key": crypto.randomUUID() };
        const { tasks } = await api.post("v1/tasks", { prompts }, { signal, headers });
        replace(outcome, h("ul", {}, tasks.map((task) => h("li", {}, task.task_id ?? task.error.message))));
      } catch (error) {
        replace(outcome, errorNote(error));
      }
    }
    const button = h("button", { class: "button button-primary" }, "Submit");
    const form = h("form", { on: { submit } }, field("Prompts, one a line", text), button);
    content.append(pageHead({ title: "Submit prompts" }), card({}, form), outcome);
  },
};
