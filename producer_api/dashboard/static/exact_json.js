// JSON whose numbers keep every digit. JavaScript's own are binary: of 9007199254740993, or of 1.0, they keep another text.

import { randomId } from "./random_id.js";

/** A number as it was written, where JavaScript would write it in another way. */
export class ExactNumber {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/** The value of a JSON text; `names` are of fields that have their numbers exact, null means all. Throws SyntaxError. */
export function parseExactly(text, names = null) {
  // What nobody can have written.
  const mark = randomId();
  const marked = markNumbers(text, mark);
  if (marked === text) return JSON.parse(text);
  const revive = (_, value) => (typeof value === "string" && value.startsWith(mark) ? new ExactNumber(value.slice(mark.length)) : value);
  const value = JSON.parse(marked, revive);
  return names === null ? value : withPlainNumbers(value, names);
}

/** The JSON text of a value that may hold such numbers; undefined where JSON has none. */
export function writeExactly(value, indent) {
  const mark = randomId();
  const text = JSON.stringify(value, (_, one) => (one instanceof ExactNumber ? mark + one.text : one), indent);
  return text?.replaceAll(new RegExp(`"${mark}([^"]*)"`, "g"), "$1");
}

/** The text with each number that would be changed as a string with the mark. */
function markNumbers(text, mark) {
  const next = /"|-?\d[\d.eE+-]*/g;
  const pieces = [];
  let done = 0;
  for (let found = next.exec(text); found; found = next.exec(text)) {
    const [piece] = found;
    if (piece === '"') next.lastIndex = endOfString(text, found.index);
    else if (String(Number(piece)) !== piece) {
      pieces.push(text.slice(done, found.index), `"${mark}${piece}"`);
      done = found.index + piece.length;
    }
  }
  return pieces.length ? pieces.join("") + text.slice(done) : text;
}

/** Behind the quotation mark that ends the string which begins at `start`; behind the text where none does. */
function endOfString(text, start) {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text[end - 1 - escapes] === "\\") escapes += 1;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}

function withPlainNumbers(value, names) {
  if (value instanceof ExactNumber) return Number(value.text);
  if (typeof value !== "object" || value === null) return value;
  for (const [name, child] of Object.entries(value)) {
    const plain = !Array.isArray(value) && names.includes(name) ? child : withPlainNumbers(child, names);
    if (plain !== child) value[name] = plain;
  }
  return value;
}
