// Requests as lines for a shell. Pure.

// In bytes: Linux takes 128 KiB as one argument of a program.
const LONGEST_ARGUMENT = 100_000;

/** `curl` of a GET. */
export function curlOfGet(url) {
  return `curl -s ${quoted(url)}`;
}

/** `curl` of a POST of JSON, which is given as text. */
export function curlOfPost(url, json) {
  const command = `curl -s ${quoted(url)} \\\n  -H 'Content-Type: application/json' \\\n  `;
  if (new TextEncoder().encode(json).length <= LONGEST_ARGUMENT) return `${command}-d ${quoted(json)}`;
  // No line of JSON is this word.
  return `${command}--data-binary @- <<'EOF'\n${json}\nEOF\n`;
}

/** One word of a shell, whatever is in it. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
