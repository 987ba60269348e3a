// What is looked on at: content that stays while it changes, and what stands there when it cannot be read.

import { h, replace } from "../dom.js";
import { clock } from "../format.js";
import { look } from "../look.js";
import { errorState, loadingState, note } from "./states.js";

/**
 * Shows the operators' view `name`. `build()` gives {element, update(view), close()} once there is something to show.
 * Returns {element, sign}: the content, and for the page's head whether it is live.
 */
export function liveContent(context, name, { build, title }) {
  const { api, operator, signal } = context;
  const sign = h("p", { class: "live-sign", data: { state: "waiting" } }, "Connecting…");
  const notes = h("div", {});
  const place = h("div", {}, loadingState());
  const element = h("div", { class: "live" }, notes, place);
  let content = null;
  let shownAt = null;

  function onView(view) {
    if (!content) {
      content = build();
      replace(place, content.element);
    }
    shownAt = Date.now() / 1000;
    content.update(view);
  }

  function onState(state, error) {
    sign.dataset.state = state;
    if (state === "live") {
      replace(sign, "Live");
      replace(notes);
      return;
    }
    replace(sign, content ? `As of ${clock(shownAt)}` : "Not live");
    if (content && state !== "refused") replace(notes, note("warn", h("p", {}, error.message)));
    else {
      close();
      replace(notes);
      replace(place, errorState(error, { title, onRetry: state === "refused" ? again : null }));
    }
  }

  function again() {
    operator.askAgain();
    replace(place, loadingState());
    start();
  }

  function close() {
    content?.close();
    content = null;
  }

  function start() {
    look(api, name, { onView, onState, signal });
  }

  signal.addEventListener("abort", close);
  start();
  return { element, sign };
}
