// Where one is, in the address after `#`: it can be shared and kept, and is never sent to a server.
//
//   #/tasks?status=failed,expired        path "/tasks", query {status}
//   #/tasks/0199…                        params {id}

/** The hash that leads to a path; `query` leaves out what is empty. */
export function href(path, query = {}) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") params.set(name, value);
  }
  // Lists of ids and statuses read better with their commas.
  const text = params.toString().replaceAll("%2C", ",");
  return `#${path}${text ? `?${text}` : ""}`;
}

/** What an address's hash says; "" and "#" mean "/". */
export function parseHash(hash) {
  const text = hash.replace(/^#/, "") || "/";
  const [path, query = ""] = [text.split("?", 1)[0], text.slice(text.indexOf("?") + 1)];
  return { path, query: text.includes("?") ? Object.fromEntries(new URLSearchParams(query)) : {} };
}

/** The params of a path under a pattern as "/tasks/:id", or null where it is no such path. */
export function match(pattern, path) {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const params = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(":")) {
      if (!given[index]) return null;
      params[part.slice(1)] = decoded(given[index]);
    } else if (part !== given[index]) return null;
  }
  return params;
}

/**
 * Calls `show(place)` for where one is, now and whenever that changes. `place` is {path, query, state}. Where only the
 * query changes, as by the browser's back button, `requery(place)` is called instead; it returns false to be shown anew.
 */
export function createRouter({ show, requery }) {
  let here = null;

  function arrive() {
    const place = placeOf(location.hash, history.state);
    const isSamePath = here !== null && here.path === place.path;
    here = place;
    if (!isSamePath || !requery(place)) show(place);
  }

  return {
    start() {
      addEventListener("hashchange", arrive);
      arrive();
    },
    go(path, query = {}) {
      location.hash = href(path, query);
    },
    /**
     * Says in the address what is shown already. With `isStep` the back button leads to what was shown before.
     * `state` is kept by this browser beside the address, and not shared with it.
     */
    setQuery(query, { isStep = false, state = null } = {}) {
      const hash = href(here.path, query);
      here = placeOf(hash, state);
      if (isStep && hash !== location.hash) history.pushState(state, "", hash);
      else history.replaceState(state, "", hash);
    },
  };
}

function placeOf(hash, state) {
  return { ...parseHash(hash), state };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
