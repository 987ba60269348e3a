// Which model: the workers' own, one that they know, or another by its name.

import { ApiError } from "../../api.js";
import { h } from "../../dom.js";

const OTHER = "other";
// No model's name has a space before it.
const named = (model) => ` ${model}`;

/** `value()` is {model, isOtherModel}; an empty model means the workers' own. `input` is the field for another's name. */
export function modelField({ api, signal }) {
  const select = h("select", { id: "model" }, h("option", { value: "" }, "workers’ own"), h("option", { value: OTHER }, "another…"));
  const input = h("input", { id: "other-model", autocomplete: "off", spellcheck: "false", maxlength: 200, "aria-label": "Name of the model" });
  const other = h("div", { class: "other-model", hidden: true }, input, h("p", { class: "fault", id: "other-model-fault", hidden: true }));
  const isOther = () => select.value === OTHER;
  select.addEventListener("change", () => {
    other.hidden = !isOther();
    if (isOther()) input.focus();
  });

  async function fill() {
    try {
      const { data } = await api.get("v1/models", {}, { signal });
      const options = data.map((model) => h("option", { value: named(model.id) }, model.id));
      select.lastElementChild.before(...options);
    } catch (error) {
      // Without the list a name can still be written.
      if (!signal.aborted && !(error instanceof ApiError)) throw error;
    }
  }
  fill();

  return {
    element: h("div", { class: "field" }, h("label", { for: "model" }, "Model"), select, other),
    input,
    value: () => ({ model: isOther() ? input.value.trim() : select.value.trim(), isOtherModel: isOther() }),
  };
}
