// What stands where there is nothing to show: nothing yet, nothing at all, or an error.

import { h } from "../dom.js";
import { icon } from "./icon.js";

/** Nothing here; `text` says how there would be something. */
export function emptyState({ title, text, sign = "inbox" }, ...actions) {
  return h(
    "div",
    { class: "state" },
    icon(sign),
    h("p", { class: "state-title" }, title),
    text && h("p", { class: "state-text" }, text),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

/** Something is on its way. */
export function loadingState(text = "Loading…") {
  return h("div", { class: "state state-loading", role: "status" }, h("p", { class: "state-text" }, text));
}

/** An ApiError in full, where the content would be. `onRetry` gives it a button; operators' ones ask for the token. */
export function errorState(error, { title = "This cannot be shown", onRetry = null } = {}) {
  return h(
    "div",
    { class: "state state-error", role: "alert" },
    icon("alert"),
    h("p", { class: "state-title" }, title),
    h("p", { class: "state-text" }, error.message),
    origin(error),
    onRetry && h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "button", on: { click: onRetry } }, icon("retry"), retryLabel(error)),
    ),
  );
}

/** A note in its place: `kind` is info, bad or warn. */
export function note(kind, ...content) {
  const sign = kind === "info" ? "info" : "alert";
  return h("div", { class: `note note-${kind}`, role: kind === "bad" ? "alert" : null }, icon(sign), h("div", {}, content));
}

/** An ApiError as a note in its place, beside content that stays. */
export function errorNote(error) {
  return note("bad", h("p", {}, error.message), origin(error));
}

function retryLabel(error) {
  return error.code === "invalid_operator_token" ? "Enter the operators’ token" : "Try again";
}

/** What finds the reason in the server's log. */
function origin(error) {
  if (!error.requestId || error.status < 500) return null;
  return h("p", { class: "state-origin" }, "Request ", h("code", {}, error.requestId));
}
