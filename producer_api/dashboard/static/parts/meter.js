// How much of something is taken, by a bar and in words.

import { h, setText } from "../dom.js";

/** `set(value, most)`; `words(value, most)` says it. */
export function meter({ label, words }) {
  const fill = h("div", { class: "meter-fill" });
  const bar = h("div", { class: "meter", role: "meter", "aria-label": label, "aria-valuemin": 0 }, fill);
  const text = h("span", { class: "meter-text" });
  return {
    element: h("div", { class: "meter-row" }, bar, text),
    set(value, most) {
      const share = most > 0 ? Math.min(1, value / most) : 0;
      bar.setAttribute("aria-valuemax", Math.max(most, value, 1));
      bar.setAttribute("aria-valuenow", value);
      bar.setAttribute("aria-valuetext", words(value, most));
      fill.style.setProperty("transform", `scaleX(${share})`);
      fill.classList.toggle("is-full", share === 1);
      setText(text, words(value, most));
    },
  };
}
