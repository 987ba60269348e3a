// A progress bar.

import { h } from "../dom.js";

/** `label` is for those who do not see it. `set(value, status)`: 0 to 100; the status picks the color. */
export function progressBar({ label, value = 0, status = "queued" }) {
  const fill = h("div", { class: "progress-fill" });
  const element = h(
    "div",
    { class: "progress", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 },
    fill,
  );
  function set(now, nowStatus) {
    element.setAttribute("aria-valuenow", now);
    element.dataset.status = nowStatus;
    fill.style.setProperty("transform", `scaleX(${now / 100})`);
  }
  set(value, status);
  return { element, set };
}
