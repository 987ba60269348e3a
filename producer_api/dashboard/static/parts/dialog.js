// Dialogs: the browser's own, which keeps the focus inside and gives it back.

import { h } from "../dom.js";

/**
 * Opens one over the page. `actions` are [{label, value, kind}], the last is the main one and what Enter does; the
 * dialog's answer is the chosen one's `value`, or `value()` where that is a function, or null where it was closed.
 * `validate()` returns false to keep it open.
 */
export function openDialog({ title, body, actions, validate = () => true, isWide = false }) {
  return new Promise((resolve) => {
    let answer = null;
    const heading = h("h2", { id: "dialog-title" }, title);
    const buttons = actions.map((action, index) => {
      const isMain = index === actions.length - 1;
      const type = isMain ? "submit" : "button";
      const button = h("button", { type, class: `button ${buttonClass(action.kind)}` }, action.label);
      if (!isMain) button.addEventListener("click", () => choose(action));
      return button;
    });
    const form = h("form", { class: "dialog-form" }, heading, body, h("div", { class: "actions dialog-actions" }, buttons));
    const dialog = h("dialog", { class: isWide ? "dialog dialog-wide" : "dialog", "aria-labelledby": "dialog-title" }, form);

    function choose(action) {
      answer = typeof action.value === "function" ? action.value() : action.value;
      dialog.close();
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (validate()) choose(actions.at(-1));
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Whether the user means it. */
export async function confirmed({ title, text, action, keep = "Go back", isDanger = false }) {
  const answer = await openDialog({
    title,
    body: h("p", {}, text),
    actions: [
      { label: keep, value: false },
      { label: action, value: true, kind: isDanger ? "danger" : "primary" },
    ],
  });
  return answer === true;
}

/** The operators' token as it was typed, or null. */
export function askForToken({ wasWrong }) {
  const input = h("input", {
    id: "operator-token",
    type: "password",
    autocomplete: "off",
    required: true,
    spellcheck: "false",
    "aria-describedby": "operator-token-hint",
  });
  const hint =
    "It is the value of PROMPTMILL_API__OPERATOR_TOKEN. This tab keeps it until it is closed, and sends it to this API only.";
  return openDialog({
    title: wasWrong ? "That is not the operators’ token" : "This is for operators",
    body: [
      h("label", { for: "operator-token" }, "Operators’ token"),
      input,
      h("p", { id: "operator-token-hint", class: "hint" }, hint),
    ],
    actions: [
      { label: "Not now", value: null },
      { label: "Go on", value: () => input.value.trim() || null, kind: "primary" },
    ],
  });
}

function buttonClass(kind) {
  return kind ? `button-${kind}` : "";
}
