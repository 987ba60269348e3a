// The parts that views are laid out with.

import { h } from "../dom.js";

/** A view's head: its one h1, which gets the focus when one arrives, a sentence below and what can be done beside. */
export function pageHead({ title, lead = null }, ...actions) {
  return h(
    "header",
    { class: "page-head" },
    h("div", {}, h("h1", { tabindex: "-1" }, title), lead && h("p", { class: "lead" }, lead)),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

/** A card with a heading. */
export function card({ title, actions = [], class: extra = "" }, ...content) {
  return h(
    "section",
    { class: `card ${extra}` },
    title && h("div", { class: "card-head" }, h("h2", {}, title), actions),
    content,
  );
}

/** Facts by their names; those that are null are left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: "facts" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A word of machines, as context_length_exceeded, which may be broken behind its underscores. */
export function code(text) {
  return h("code", {}, text.split(/(?<=_)/).map((part, index) => [index > 0 && h("wbr"), part]));
}

/** A labelled field: `input` must have an id. */
export function field(label, input, { hint = null, class: extra = "" } = {}) {
  const hintId = `${input.id}-hint`;
  if (hint) input.setAttribute("aria-describedby", hintId);
  return h(
    "div",
    { class: `field ${extra}` },
    h("label", { for: input.id }, label),
    input,
    hint && h("p", { class: "hint", id: hintId }, hint),
  );
}

/** A time, whole for machines and in its title; `text` is how it is shown. */
export function time(at, text, whole) {
  return h("time", { datetime: whole, title: whole }, text);
}
