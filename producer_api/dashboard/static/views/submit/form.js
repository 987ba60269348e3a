// The form: prompts, model, parameters. What is wrong is said at its field.

import { ApiError } from "../../api.js";
import { h, replace, setText } from "../../dom.js";
import { count } from "../../format.js";
import { icon } from "../../parts/icon.js";
import { field } from "../../parts/page.js";
import { errorNote } from "../../parts/states.js";
import { modelField } from "./model_field.js";
import { faultsOf, promptsIn, requestOf } from "./prompts.js";

const EXAMPLES = [
  "Why is the sky blue? Answer in two sentences.",
  "Write a haiku about a water mill.",
  "Name three rivers, and the seas they end in.",
  "Explain a queue to a child of six.",
];

/** `send(body, prompts)` submits and throws ApiError. Returns the form's element. */
export function submitForm({ api, send, signal }) {
  const text = h("textarea", { id: "prompts", rows: 7, spellcheck: "true", placeholder: "Why is the sky blue?" });
  const model = modelField({ api, signal });
  const temperature = h("input", { id: "temperature", inputmode: "decimal", placeholder: "model’s own", autocomplete: "off" });
  const maxTokens = h("input", { id: "max-tokens", inputmode: "numeric", placeholder: "no limit", autocomplete: "off" });
  const lane = h(
    "select",
    { id: "lane" },
    h("option", { value: "interactive" }, "interactive"),
    h("option", { value: "batch" }, "batch"),
  );
  const stream = h("input", { type: "checkbox", id: "stream", checked: true });
  const [byLine, whole] = [choice("lines", true), choice("whole", false)];
  const amount = h("span", { class: "hint", id: "amount" });
  const label = h("span", {}, "Submit");
  const button = h("button", { class: "button button-primary button-large" }, icon("submit"), label);
  const outcome = h("div", {});
  const fields = { text, temperature, maxTokens, model: model.input };

  const prompts = () => promptsIn(text.value, { isWhole: whole.checked });
  const values = () => ({
    temperature: temperature.value.trim(),
    maxTokens: maxTokens.value.trim(),
    lane: lane.value,
    isStreamed: stream.checked,
    ...model.value(),
  });

  function recount() {
    const many = prompts().length;
    setText(amount, many ? count(many, "prompt") : "");
    setText(label, many > 1 ? `Submit ${count(many, "prompt")}` : "Submit");
  }

  async function submit(event) {
    event.preventDefault();
    const asked = prompts();
    const isWell = showFaults(fields, faultsOf(values(), asked));
    if (!isWell || button.disabled) return;
    button.disabled = true;
    replace(outcome);
    try {
      await send(requestOf(values(), asked), asked);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      replace(outcome, errorNote(error));
    } finally {
      button.disabled = false;
    }
  }

  function fillIn() {
    byLine.checked = true;
    text.value = EXAMPLES.join("\n");
    recount();
    text.focus();
  }

  const form = h(
    "form",
    { class: "card submit-form", novalidate: true, on: { submit, input: recount, change: recount } },
    h(
      "div",
      { class: "field" },
      h("div", { class: "prompts-head" }, h("label", { for: "prompts" }, "Prompts"), modeOf(byLine, whole)),
      text,
      fault("prompts"),
      h(
        "div",
        { class: "prompts-foot" },
        amount,
        h("button", { type: "button", class: "link-button", on: { click: fillIn } }, "Use examples"),
      ),
    ),
    h(
      "div",
      { class: "parameters" },
      model.element,
      field("Lane", lane),
      withFault(field("Temperature", temperature)),
      withFault(field("Max tokens", maxTokens)),
    ),
    h("label", { class: "check" }, stream, "Stream the text as it is written"),
    outcome,
    h("div", { class: "submit-foot" }, button, h("span", { class: "hint keys-hint" }, "or ", h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "Enter"))),
  );
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  recount();
  return form;
}

function choice(value, checked) {
  return h("input", { type: "radio", name: "mode", id: `mode-${value}`, value, checked });
}

function modeOf(byLine, whole) {
  return h(
    "div",
    { class: "segments", role: "radiogroup", "aria-label": "How the text is read" },
    h("label", { class: "segment" }, byLine, "One a line"),
    h("label", { class: "segment" }, whole, "One in all"),
  );
}

function fault(id) {
  return h("p", { class: "fault", id: `${id}-fault`, hidden: true });
}

function withFault(element) {
  element.append(fault(element.querySelector("input").id));
  return element;
}

/** Says at each field what is wrong with it, goes to the first, and returns whether all is well. */
function showFaults(fields, faults) {
  let first = null;
  for (const [name, input] of Object.entries(fields)) {
    const place = document.getElementById(`${input.id}-fault`);
    const message = faults[name];
    setText(place, message ?? "");
    place.hidden = !message;
    if (message) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", place.id);
      first ??= input;
    } else {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }
  first?.focus();
  return first === null;
}
