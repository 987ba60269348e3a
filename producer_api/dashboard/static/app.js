// Puts the parts together: everything that lasts as long as the page is made here.

import { createApi } from "./api.js";
import { h, replace } from "./dom.js";
import { createOperatorToken } from "./operator_token.js";
import { createAnnouncer } from "./parts/announcer.js";
import { askForToken } from "./parts/dialog.js";
import { createFrame } from "./parts/frame.js";
import { createRouter, match } from "./router.js";
import { storageOf } from "./storage.js";
import { createTheme } from "./theme.js";
import { FURTHER, GROUPS } from "./views.js";
import { unknownView } from "./views/unknown.js";

const root = new URL(".", document.baseURI);
const theme = createTheme({ root: document.documentElement, storage: storageOf("localStorage") });
const operator = createOperatorToken({ storage: storageOf("sessionStorage"), askUser: askForToken });
const api = createApi({ root, operator });
const announcer = createAnnouncer();
const frame = createFrame({
  groups: GROUPS,
  theme,
  markUrl: new URL("mark.svg", import.meta.url).href,
  docsUrl: new URL("docs", root).href,
});
const routes = [...GROUPS.flatMap((group) => group.views), ...FURTHER];

let leaving = new AbortController();
let onQuery = null;
let isFirst = true;

const router = createRouter({
  show(place) {
    leaving.abort();
    leaving = new AbortController();
    onQuery = null;
    const { view, params } = find(place.path);
    document.title = `${view.title} · Promptmill`;
    frame.arrive(place.path);
    const content = h("div", { class: "view" });
    replace(frame.main, content);
    view.show(content, contextOf(place, params, leaving.signal));
    scrollTo(0, 0);
    // Who reads by ear learns where they are; at first the page itself says it.
    if (!isFirst) content.querySelector("h1")?.focus({ preventScroll: true });
    isFirst = false;
  },
  requery(place) {
    onQuery?.(place.query, place.state);
    return onQuery !== null;
  },
});

replace(document.body, frame.element, announcer.elements);
router.start();

function contextOf(place, params, signal) {
  return {
    api,
    operator,
    params,
    query: place.query,
    state: place.state,
    setQuery(query, how) {
      // What a view learns after it was left is not in its address.
      if (!signal.aborted) router.setQuery(query, how);
    },
    onQuery(handle) {
      onQuery = handle;
    },
    go: router.go,
    announce: announcer.announce,
    notify: announcer.notify,
    signal,
  };
}

function find(path) {
  for (const route of routes) {
    const params = match(route.path, path);
    if (params) return { view: route.view, params };
  }
  return { view: unknownView, params: {} };
}
