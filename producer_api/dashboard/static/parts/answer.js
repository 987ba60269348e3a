// An answer's text, as it grows. It is a text node: what a model writes is never anything else here.

import { h } from "../dom.js";

/** `show(text, round)`: while `round` stays the same, `text` goes on where it ended. No screen reader follows it. */
export function answerText({ label }) {
  const text = document.createTextNode("");
  const element = h("pre", { class: "answer", role: "group", "aria-label": label }, text);
  let shownRound = null;

  function show(whole, round) {
    if (round === shownRound && whole.length === text.length) return;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 24;
    if (round === shownRound) text.appendData(whole.slice(text.length));
    else text.data = whole;
    shownRound = round;
    const isLong = element.scrollHeight > element.clientHeight + 1;
    // Who has scrolled up reads; who has not wants the end.
    if (isLong && isAtEnd) element.scrollTop = element.scrollHeight;
    if (isLong) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  }
  return { element, show };
}
