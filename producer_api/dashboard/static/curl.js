// Requests as lines for a shell. Pure.

/** `curl` of a GET. */
export function curlOfGet(url) {
  return `curl -s ${quoted(url)}`;
}

/** `curl` of a POST of JSON. */
export function curlOfPost(url, body) {
  return `curl -s ${quoted(url)} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(body, null, 2))}`;
}

/** One word of a shell, whatever is in it. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
