// The prompt, read back from Kafka at its offset.

import { ApiError } from "../../api.js";
import { curlOfPost } from "../../curl.js";
import { h, replace } from "../../dom.js";
import { writeExactly } from "../../exact_json.js";
import { bytes, clock, instant, number } from "../../format.js";
import { copyButton } from "../../parts/copy.js";
import { card, facts, time } from "../../parts/page.js";
import { emptyState, errorState, loadingState } from "../../parts/states.js";
import { chatMessages, foldedJson } from "./chat.js";
import { requestOf } from "./request.js";

/** Returns {element, load()}: `load` reads it, and again where it stands elsewhere since. */
export function promptCard({ api, operator, taskId, notify, signal }) {
  const ground = h("div", { class: "prompt-ground" });
  const actions = h("div", { class: "actions" });
  const element = card({ title: "Prompt", actions: [actions] }, ground);

  async function load() {
    if (!ground.hasChildNodes()) replace(ground, loadingState("Reading it from Kafka…"));
    try {
      const record = await api.get(`v1/operator/tasks/${encodeURIComponent(taskId)}/record`, {}, { signal, exact: ["value"] });
      show(record);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      replace(ground, refusal(error));
    }
  }

  function refusal(error) {
    if (error.code === "record_not_found") {
      return emptyState({ title: "The record cannot be found", text: "It has passed its topic’s retention, or the store was rebuilt and does not know its place." });
    }
    const onRetry = () => {
      operator.askAgain();
      load();
    };
    return errorState(error, { title: "The prompt cannot be read", onRetry });
  }

  function show(record) {
    const body = record.value_encoding === "json" ? record.value?.body : null;
    const { messages, ...parameters } = body ?? {};
    replace(
      ground,
      Array.isArray(messages) ? chatMessages(messages) : h("pre", { class: "json", tabindex: "0", "aria-label": "The record’s value" }, asText(record)),
      Object.keys(parameters).length > 0 && facts(Object.entries(parameters).map(([name, value]) => [name, typeof value === "string" ? value : writeExactly(value)])),
      h(
        "p",
        { class: "read-from" },
        "Read from ",
        h("code", {}, record.topic),
        `, partition ${record.partition}, offset ${number(record.offset)}, ${bytes(record.size_bytes)}, written `,
        time(record.timestamp, clock(record.timestamp), instant(record.timestamp)),
        ".",
      ),
      foldedJson("The record with its headers", { headers: record.headers, key: record.key, value: record.value }),
    );
    const request = body && requestOf(record);
    replace(actions, request && copyButton("Copy as curl", () => curlOf(api, request), { notify }));
  }

  return { element, load };
}

/** What submits the same prompt again. */
function curlOf(api, { path, body }) {
  return curlOfPost(api.url(path), writeExactly(body, 2));
}

function asText(record) {
  return typeof record.value === "string" ? record.value : writeExactly(record.value, 2);
}
