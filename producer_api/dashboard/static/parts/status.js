// Badges: what state something is in, by word and by color, never by color alone.

import { h, setText } from "../dom.js";

/** `kind` picks the color: queued, processing, completed, failed, cancelled, expired, or good, bad, warn, plain. */
export function badge(text, kind = text) {
  return h("span", { class: `badge badge-${kind}` }, text);
}

/** A task's status, that can change; `set(status)`. */
export function statusBadge(status) {
  const element = badge(status.replace("_", " "), status);
  return {
    element,
    set(now) {
      setText(element, now.replace("_", " "));
      element.className = `badge badge-${now}`;
    },
  };
}
