// What stands where a list has no tasks, and why.

import { h } from "../../dom.js";
import { icon } from "../../parts/icon.js";
import { emptyState } from "../../parts/states.js";
import { href } from "../../router.js";
import { isEmpty } from "./filters.js";

/** `after` and `next` are of the page: where it begins, and where the next one would. */
export function nothing(filter, after, next) {
  if (next) return emptyState({ title: "None among those looked at", text: "Older looks further back.", sign: "search" });
  if (after) return emptyState({ title: "No older tasks", sign: "tasks" });
  if (!isEmpty(filter)) return emptyState({ title: "No task is like that", text: "Change the filter, or clear it.", sign: "search" });
  const submit = h("a", { class: "button button-primary", href: href("/") }, icon("submit"), "Submit prompts");
  return emptyState({ title: "No tasks yet", text: "What is submitted here or to the API stands here at once.", sign: "tasks" }, submit);
}
