// Server-sent events out of text, as the HTML standard reads them. EventSource itself can send no headers.

/** Feed it text as it comes: gives the events that are complete, {name, data, id}, and `retry` in milliseconds. */
export function createEventParser() {
  let rest = "";
  let id = null;
  let name = "";
  let data = [];
  let retry = null;

  function line(text, events) {
    if (text === "") {
      if (data.length) events.push({ name: name || "message", data: data.join("\n"), id });
      name = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    const field = colon === -1 ? text : text.slice(0, colon);
    const value = colon === -1 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
    else if (field === "retry" && /^\d+$/.test(value)) retry = Number(value);
  }

  return {
    feed(text) {
      const events = [];
      // Half of a line, or of its two-character end, waits for its other half.
      const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const one of lines) line(one, events);
      return events;
    },
    get retry() {
      return retry;
    },
  };
}
