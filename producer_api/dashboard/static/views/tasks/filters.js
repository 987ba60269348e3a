// Which tasks are shown: in the form, in the address, in the request.

import { h } from "../../dom.js";
import { icon } from "../../parts/icon.js";
import { field } from "../../parts/page.js";

const STATUSES = ["queued", "processing", "completed", "failed", "cancelled", "expired"];
const TYPING_MS = 350;

/** What an address says: {status, lane, model, id}, all texts; statuses that there are not are left out. */
export function filterOf(query) {
  const asked = (query.status ?? "").split(",");
  return {
    status: STATUSES.filter((status) => asked.includes(status)).join(","),
    lane: ["interactive", "batch"].includes(query.lane) ? query.lane : "",
    model: query.model ?? "",
    id: query.id ?? "",
  };
}

/** Whether all tasks are meant. */
export function isEmpty(filter) {
  return !Object.values(filter).some(Boolean);
}

/** The ids in a text; "" where it names none. */
export function idsIn(text) {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** The form; `onChange(filter)` is called as it is filled in. Returns {element, set(filter)}. */
export function filterForm({ onChange }) {
  const boxes = STATUSES.map((status) => h("input", { type: "checkbox", value: status, id: `status-${status}` }));
  const lane = h("select", { id: "filter-lane" }, ["", "interactive", "batch"].map((value) => h("option", { value }, value || "any")));
  const model = h("input", { id: "filter-model", autocomplete: "off", spellcheck: "false", placeholder: "any" });
  const id = h("input", { id: "filter-id", autocomplete: "off", spellcheck: "false", placeholder: "whole ids" });
  const clear = h("button", { type: "button", class: "button button-quiet", on: { click: () => onChange(filterOf({})) } }, icon("close"), "Clear");
  let typing = null;

  const read = () => ({
    status: boxes.filter((box) => box.checked).map((box) => box.value).join(","),
    lane: lane.value,
    model: model.value.trim(),
    id: idsIn(id.value).join(","),
  });
  function changed() {
    clearTimeout(typing);
    onChange(read());
  }
  function typed() {
    clearTimeout(typing);
    typing = setTimeout(changed, TYPING_MS);
  }
  for (const input of [model, id]) input.addEventListener("input", typed);
  for (const input of [...boxes, lane]) input.addEventListener("change", changed);

  return {
    element: h(
      "form",
      { class: "task-filters", role: "search", "aria-label": "Filter of tasks", on: { submit: (event) => { event.preventDefault(); changed(); } } },
      h(
        "fieldset",
        { class: "chips" },
        h("legend", {}, "Status"),
        boxes.map((box) => h("label", { class: "chip" }, box, box.value)),
      ),
      field("Lane", lane),
      field("Model", model),
      field("Id", id, { class: "wide-field" }),
      clear,
    ),
    set(filter) {
      const statuses = filter.status.split(",");
      for (const box of boxes) box.checked = statuses.includes(box.value);
      lane.value = filter.lane;
      if (model.value.trim() !== filter.model) model.value = filter.model;
      if (idsIn(id.value).join(",") !== filter.id) id.value = filter.id;
      clear.hidden = isEmpty(filter);
      for (const input of [...boxes, lane, model]) input.disabled = Boolean(filter.id);
    },
  };
}
