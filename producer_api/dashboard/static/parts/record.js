// A record as it stands in Kafka. Its texts are anybody's, and stay text.

import { h } from "../dom.js";
import { writeExactly } from "../exact_json.js";
import { bytes, clock, instant } from "../format.js";
import { href } from "../router.js";
import { time } from "./page.js";

const TASK_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** With `withContent` its value below; where that was not asked for, only its size. */
export function recordCard(record, { withContent }) {
  return h(
    "article",
    { class: "kafka-record" },
    h(
      "header",
      { class: "kafka-record-head" },
      h("span", { class: "kafka-record-place" }, `Partition ${record.partition}, offset ${record.offset}`),
      time(record.timestamp, clock(record.timestamp), instant(record.timestamp)),
      h("span", {}, bytes(record.size_bytes)),
      record.key !== null && h("span", { class: "kafka-record-key" }, "key ", keyOf(record.key)),
    ),
    headersOf(record.headers),
    withContent && valueOf(record),
  );
}

/** A record's headers by their names. */
export function headersOf(headers) {
  const entries = Object.entries(headers);
  if (!entries.length) return null;
  return h("dl", { class: "headers" }, entries.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text))));
}

/** A value as text: JSON laid out, the rest as it is. */
export function valueOf({ value, value_encoding: encoding }) {
  if (value === null && encoding === "text") return h("p", { class: "hint" }, "No value: it forgets what had this key.");
  const text = encoding === "json" ? writeExactly(value, 2) : String(value);
  const label = encoding === "base64" ? "Value, as base64" : "Value";
  return h("pre", { class: "value", tabindex: "0", role: "region", "aria-label": label }, text);
}

function keyOf(key) {
  return TASK_ID.test(key) ? h("a", { href: href(`/tasks/${key}`) }, key) : h("code", {}, key);
}
