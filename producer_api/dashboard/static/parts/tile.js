// One figure and what it is.

import { h, replace, setText } from "../dom.js";

/** `set(value, detail)`: texts, or nodes for the detail; `kind` is plain, warn or bad. `to` makes the name a link. */
export function tile(name, { to = null } = {}) {
  const value = h("dd", { class: "tile-value" });
  const detail = h("dd", { class: "tile-detail" });
  const element = h("div", { class: "tile" }, h("dt", {}, to ? h("a", { href: to }, name) : name), value, detail);
  return {
    element,
    set(text, more = "", kind = "plain") {
      setText(value, text);
      if (typeof more === "string") setText(detail, more);
      else if (detail.firstChild !== more) replace(detail, more);
      element.dataset.kind = kind;
    },
  };
}
