// Words for screen readers, and short notices for all. Neither ever carries text of a model.

import { h } from "../dom.js";
import { icon } from "./icon.js";

const LEAST_PAUSE_MS = 4_000;
const NOTICE_MS = 8_000;

/** Two elements for the page's end, and what fills them. */
export function createAnnouncer() {
  const spoken = h("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });
  const shown = h("div", { class: "notices", role: "status", "aria-live": "polite" });
  let said = -Infinity;
  let waiting = null;

  function announce(text) {
    clearTimeout(waiting);
    const wait = said + LEAST_PAUSE_MS - performance.now();
    // The latest counts: what moves often must not be a flood.
    waiting = setTimeout(() => {
      said = performance.now();
      spoken.textContent = text;
    }, Math.max(wait, 50));
  }

  function notify(text, kind = "info") {
    const close = h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss" }, icon("close"));
    const notice = h("div", { class: `notice notice-${kind}` }, h("p", {}, text), close);
    let timer = setTimeout(() => notice.remove(), NOTICE_MS);
    const stay = () => clearTimeout(timer);
    const goOn = () => {
      stay();
      timer = setTimeout(() => notice.remove(), NOTICE_MS);
    };
    for (const event of ["pointerenter", "focusin"]) notice.addEventListener(event, stay);
    for (const event of ["pointerleave", "focusout"]) notice.addEventListener(event, goOn);
    close.addEventListener("click", () => notice.remove());
    shown.append(notice);
  }

  return { elements: [spoken, shown], announce, notify };
}
